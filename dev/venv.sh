#!/bin/sh
# Makes a virtual environment with exactly what a lock pins, and this project in it: `sh dev/venv.sh .venv requirements-dev.txt`.
# Wheels only, every one checked by its hash. With uv where it is installed, else with Python's own venv and pip.
set -eu

venv=$1
lock=$2

fail() {
    echo "$1" >&2
    exit 1
}

suitable_python() {
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        path=$(command -v "$name") || continue
        if "$path" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$path"
            return
        fi
    done
    return 1
}

python=$(suitable_python) || fail 'Python 3.11 or later is needed. On Debian: apt-get install python3 python3-venv'

if uv=$(command -v uv); then
    echo "Making $venv with uv."
    "$uv" venv --quiet --allow-existing --python "$python" "$venv"
    "$uv" pip sync --quiet --python "$venv/bin/python" --require-hashes --only-binary :all: "$lock"
    "$uv" pip install --quiet --python "$venv/bin/python" --offline --no-deps --no-build-isolation --editable .
else
    "$python" -c 'import ensurepip' 2>/dev/null ||
        fail "python3-venv is missing. Install it: apt-get install $("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    echo "Making $venv with pip."
    "$python" -m venv "$venv"
    pip() { "$venv/bin/python" -m pip "$@"; }
    pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes --only-binary :all: -r "$lock"
    pip install --quiet --disable-pip-version-check --no-deps --no-index --no-build-isolation --editable .
fi
