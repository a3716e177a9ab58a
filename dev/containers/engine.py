"""The container engine: the machine's Docker, or a daemon of our own for as long as it is needed."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dev.embedded.process import Command, Process, StartFailed, await_ready
from dev.stack.home import REPOSITORY

BUILD = REPOSITORY / "build/containers"
"""What may be kept between runs: the daemon's images, the wheels."""

DOCKER = next((it for it in ("/usr/bin/docker",) if Path(it).exists()), "docker")
"""Debian's own first: it can build without a plug-in."""

_START_SECONDS = 60.0
_STOP_SECONDS = 60.0


@dataclass(frozen=True)
class Engine:
    """Docker, as a command line. Every method raises CalledProcessError where the command fails."""

    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def docker(self, *words: str, quiet: bool = False) -> str:
        """Run a command of Docker and return what it printed. `quiet`: its complaints are expected."""
        return self.run(DOCKER, *words, quiet=quiet)

    def run(self, *argv: str, folder: Path = REPOSITORY, quiet: bool = False, **variables: str) -> str:
        """Run any command that talks to this engine, and return what it printed."""
        done = subprocess.run(
            argv,
            cwd=folder,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else None,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def has(self, image: str) -> bool:
        """Tell whether an image is there, without asking a registry."""
        return bool(self.docker("images", "--quiet", image))


@contextmanager
def engine() -> Iterator[Engine]:
    """
    Return Docker. Where no daemon answers, one of our own runs for the length of the block; that needs root.

    Raises:
        StartFailed: it did not come up.
    """
    if _answers(os.environ):
        yield Engine()
        return
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="trunkline-docker-") as folder:  # a socket's path has to be short
        environment = {**os.environ, "DOCKER_HOST": f"unix://{folder}/socket"}
        daemon = Process(Command(_daemon(Path(folder)), environment, REPOSITORY, BUILD / "dockerd.log"))
        try:
            if not await_ready(daemon, lambda: _answers(environment), _START_SECONDS):
                raise StartFailed("dockerd", BUILD / "dockerd.log")
            yield Engine(environment)
        finally:
            daemon.stop(grace=_STOP_SECONDS)


def _daemon(folder: Path) -> Sequence[str]:
    places = ("--data-root", str(BUILD / "docker"), "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid")
    return ("dockerd", *places, "--host", f"unix://{folder}/socket")


def _answers(environment: Mapping[str, str]) -> bool:
    asked = subprocess.run([DOCKER, "info"], env=dict(environment), capture_output=True, check=False)
    return asked.returncode == 0


def seconds_since(began: float) -> float:
    """Return the seconds since a moment of `time.monotonic`, rounded for a report."""
    return round(time.monotonic() - began, 1)
