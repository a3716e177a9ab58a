#!/bin/sh
# Makes sure of a Chromium for the browser tests, as root of its headless shell, which takes half the processor time.
set -eu

found() {
    for name in "$@"; do
        if command -v "$name" >/dev/null; then return 0; fi
    done
    return 1
}

if found chromium-headless-shell; then exit 0; fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    if found chromium chromium-browser google-chrome; then exit 0; fi
    echo 'The browser tests need Chromium. On Debian, as root: apt-get install chromium-headless-shell' >&2
    exit 1
fi
echo 'Installing Chromium for the browser tests.'
export DEBIAN_FRONTEND=noninteractive
apt() { apt-get -o DPkg::Lock::Timeout=300 -o Acquire::http::Timeout=30 -qq "$@"; }
apt update && apt install -y --no-install-recommends chromium-headless-shell >/dev/null \
    || found chromium chromium-browser google-chrome || apt install -y --no-install-recommends chromium >/dev/null
