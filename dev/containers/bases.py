"""
Stand-ins for the images that ours are built on and run beside, where no registry can be asked.

A Debian of mmdebstrap with this machine's Python, and the servers that the local stack embeds, under the names that
Dockerfile and docker-compose.yml use. An image that is there already stays.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from dev.containers.engine import Engine
from dev.embedded.quarters import copy_programs
from dev.stack.home import REPOSITORY

_RECIPES = REPOSITORY / "dev/containers/bases"
_DEBIAN = "trunkline-debian"
_PACKAGES = (
    "ca-certificates,netbase,tzdata,libssl3,libffi8,libsqlite3-0,libbz2-1.0,liblzma5,libreadline8,libncursesw6,zlib1g,"
    "libuuid1,libexpat1"
)
"""What the library's compiled modules need."""

_UNUSED = shutil.ignore_patterns("__pycache__", "test", "site-packages", "*.a", "config-3*")
_BUSYBOX = Path("/bin/busybox")
_SYSTEM = Path("/usr")


class SystemPython(Exception):
    """The machine's Python lies among the system's files and cannot be lifted out."""

    def __init__(self) -> None:
        super().__init__(f"{sys.base_prefix} is the system's: run with a Python that has a folder of its own, or pull")


def make_bases(engine: Engine) -> None:
    """Make every image that is not there. Raises SystemPython, CalledProcessError."""
    wanted = [image for image in _STAND_INS if not engine.has(image)]
    if wanted and not engine.has(_DEBIAN):
        _make_debian(engine)
    for image in wanted:
        recipe, lay_out = _STAND_INS[image]
        with tempfile.TemporaryDirectory() as folder:
            lay_out(Path(folder))
            engine.docker("build", "--quiet", "--tag", image, "--file", str(_RECIPES / recipe), folder)


def _make_debian(engine: Engine) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tree = f"{folder}/debian.tar"
        argv = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={_PACKAGES}", "bookworm", tree]
        subprocess.run(argv, check=True)
        engine.docker("import", tree, _DEBIAN)


def _python(folder: Path) -> None:
    prefix = Path(sys.base_prefix)
    if prefix == _SYSTEM:
        raise SystemPython
    for part in ("bin", "lib"):
        shutil.copytree(prefix / part, folder / "python" / part, symlinks=True, ignore=_UNUSED)
    packages = "lib/python3.11/site-packages"
    shutil.copytree(prefix / packages / "pip", folder / "python" / packages / "pip", ignore=_UNUSED)


def _nats(folder: Path) -> None:
    shutil.copy2(Path(sys.executable).with_name("nats-server"), folder / "nats-server")
    shutil.copy2(_BUSYBOX, folder / "wget")  # it does what it is called


def _postgres(folder: Path) -> None:
    copy_programs(folder / "programs", "bin/pg_isready")
    shutil.copy2(_RECIPES / "entrypoint.sh", folder / "entrypoint.sh")


_STAND_INS: Mapping[str, tuple[str, Callable[[Path], None]]] = {
    "docker.io/library/python:3.11-slim-bookworm": ("python.Dockerfile", _python),
    "docker.io/library/nats:2.15.1-alpine": ("nats.Dockerfile", _nats),
    "docker.io/library/postgres:18.6-bookworm": ("postgres.Dockerfile", _postgres),
}
