#!/bin/sh
# Makes sure of what `make containers` needs beside this tree.
set -eu

missing=''
command -v dockerd >/dev/null || docker info >/dev/null 2>&1 || missing="$missing docker.io iptables"
command -v mmdebstrap >/dev/null || missing="$missing mmdebstrap"
[ -x /bin/busybox ] || missing="$missing busybox-static"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Containers need:$missing. On Debian, as root: apt-get install$missing" >&2
    exit 1
fi
echo "Installing$missing."
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # several words on purpose
apt-get install -y -qq --no-install-recommends $missing >/dev/null
