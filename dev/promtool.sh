#!/bin/sh
# Makes sure of promtool, which the tests of alerts and dashboards ask.
set -eu

if command -v promtool >/dev/null; then exit 0; fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo 'The tests of the alerts need promtool. On Debian, as root: apt-get install prometheus' >&2
    exit 1
fi
echo 'Installing Prometheus for promtool.'
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=300 update -qq
apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends prometheus >/dev/null
