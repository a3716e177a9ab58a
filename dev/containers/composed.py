"""The stack of docker-compose.yml, with the phones and the scripted model, on loopback addresses of its own."""

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from deploy.image.contents import SERVICES
from dev.containers.engine import Engine
from dev.stack.home import REPOSITORY

ADDRESS = "127.0.77.1"
"""Beside whatever listens on 127.0.0.1."""

_COMPOSE = str(Path(sys.executable).with_name("docker-compose"))
_WEBHOOK = "http://ingress:8080/webhooks/twilio#rc=5&rp=5xx,ct,rt&ct=2000&rt=4000&tt=15000"
"""Lets Twilio repeat a webhook that failed."""

_START_SECONDS = 300.0
_POLL = 0.5
_AWAY = ("down", "--volumes", "--remove-orphans", "--timeout", "30")


@dataclass(frozen=True)
class Composed:
    """A running stack. `files`: what Compose reads beside docker-compose.yml."""

    engine: Engine
    project: str
    files: Sequence[str] = ()

    def compose(self, *words: str, tag: str = "latest") -> str:
        """Run a command of Compose and return what it printed. Raises CalledProcessError."""
        files = [word for file in ("docker-compose.yml", *self.files) for word in ("--file", file)]
        argv = (_COMPOSE, "--project-name", self.project, "--env-file", os.devnull, "--profile", "sim", *files, *words)
        return self.engine.run(*argv, TRUNKLINE_BIND=ADDRESS, TRUNKLINE_TAG=tag, TWILIO_WEBHOOK_URL=_WEBHOOK)

    def containers(self, service: str = "") -> list[dict[str, Any]]:
        """Return what Compose knows of the containers, those that have ended included."""
        printed = self.compose("ps", "--all", "--format", "json", *([service] if service else []))
        return [json.loads(line) for line in printed.splitlines()]

    def up(self, tag: str, *words: str) -> None:
        """Start what is not there, and wait until all of it is healthy. Raises TimeoutError."""
        self.compose("up", "--detach", "--no-build", *words, tag=tag)
        self.await_healthy()

    def await_healthy(self, service: str = "") -> None:
        """Wait until each container has been healthy once, or has ended well. Raises TimeoutError."""
        until, well = time.monotonic() + _START_SECONDS, set[str]()
        while waiting := [it for it in self.containers(service) if it["Name"] not in well]:
            well |= {it["Name"] for it in waiting if self._is_well(it)}
            if time.monotonic() > until:
                raise TimeoutError(f"{service or 'the stack'}: not healthy after {_START_SECONDS:g} s")
            time.sleep(_POLL)

    def _is_well(self, container: dict[str, Any]) -> bool:
        match container["State"], container["Health"]:
            case "exited", _:
                return bool(container["ExitCode"] == 0)
            case "running", "" if container["Service"] in SERVICES:  # nobody else asks it
                return self._is_ready(container["Name"])
            case "running", health:
                return health in {"", "healthy"}
            case _:
                return False

    def _is_ready(self, container: str) -> bool:
        try:
            self.inside(container, "python", "-I", "-S", "/app/health.py")
        except CalledProcessError:
            return False
        return True

    def inside(self, container: str, *argv: str) -> str:
        """Run a command in a container, as its user, and return what it printed. Raises CalledProcessError."""
        return self.engine.docker("exec", container, *argv)

    def inspected(self, container: str, what: str) -> str:
        """Return one thing that Docker knows of a container, by a template."""
        return self.engine.docker("inspect", "--format", what, container)


@contextmanager
def composed(engine: Engine, project: str, *files: str) -> Iterator[Composed]:
    """Return a stack that is not started; after the block nothing is left of it."""
    stack = Composed(engine, project, [str(REPOSITORY / file) for file in files])
    stack.compose(*_AWAY)
    try:
        yield stack
    finally:
        stack.compose(*_AWAY)
