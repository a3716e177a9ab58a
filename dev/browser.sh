#!/bin/sh
# Makes sure of a Chromium for the browser tests.
set -eu

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then exit 0; fi
done
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo 'The browser tests need Chromium. On Debian, as root: apt-get install chromium' >&2
    exit 1
fi
echo 'Installing Chromium for the browser tests.'
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=300 update -qq
apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends chromium >/dev/null
