"""The processes themselves: how each is started, asked and ended."""

import contextlib
import sys
from collections.abc import Mapping
from pathlib import Path
from signal import Signals
from typing import Protocol

from dev.embedded import NatsServer, PostgresServer, Process
from dev.embedded.process import Command
from dev.stack.environment import Setup, environment_of
from dev.stack.home import REPOSITORY, Home
from dev.stack.plan import SERVICES, Part
from dev.stack.probe import answers

_GRACE = 25.0
"""Seconds between SIGTERM and SIGKILL: a service finishes or hands back its work in them."""

_VARIANT = "TRUNKLINE_VARIANT__"

_LOG_LIMIT = 32 * 1024 * 1024


class Runnable(Protocol):
    """What the supervisor needs of a process. All of it may block."""

    @property
    def process(self) -> Process | None:
        """The running process, None before the start and after the end."""

    def start(self) -> None:
        """Start; an embedded server also waits until it is ready, and raises StartFailed."""

    def is_ready(self) -> bool:
        """Tell whether it can do its work."""

    def stop(self) -> None:
        """End it in order, in the end by force."""


class Program:
    """A Python module that runs as a process of its own."""

    def __init__(self, module: str, environment: Mapping[str, str], log: Path, ready_url: str) -> None:
        argv = (sys.executable, "-m", *module.split())
        self._command = Command(argv, environment, REPOSITORY, log)
        self._ready_url = ready_url
        self._process: Process | None = None

    @property
    def process(self) -> Process | None:
        """The running process, None before the start and after the end."""
        return self._process

    def start(self) -> None:
        """Start it, and do not wait."""
        _turn_over(self._command.log)
        self._process = Process(self._command)

    def is_ready(self) -> bool:
        """Tell whether it says so itself."""
        return answers(self._ready_url)

    def stop(self) -> None:
        """Send SIGTERM, after the grace SIGKILL."""
        if self._process:
            self._process.stop(Signals.SIGTERM, _GRACE)
            self._process = None


def runnable(part: Part, setup: Setup) -> Runnable:
    """Return the process of a part, not started."""
    environment = environment_of(part, setup)
    log = setup.home.log_of(part.label)
    if part.name in SERVICES or part.name == "console":
        variant = setup.caller.get(f"{_VARIANT}{part.name.upper()}")  # tests put a broken one in its place
        return Program(variant or f"services.{part.name}", environment, log, f"{setup.ops_url(part)}/readyz")
    return Program(f"dev.{part.name}", environment, log, f"{setup.url(part.label)}/healthz")


def servers(home: Home, ports: Mapping[str, int]) -> tuple[NatsServer, PostgresServer]:
    """Return the embedded servers, not started."""
    nats = NatsServer(home.nats, port=ports["nats-1"], monitor_port=ports["nats-1/ops"], log=home.log_of("nats-1"))
    return nats, PostgresServer(home.postgres, port=ports["postgres-1"], log=home.log_of("postgres-1"))


def job(words: str, name: str, setup: Setup) -> Process:
    """Start one of our own commands, such as `db upgrade`, which makes what the services need and ends."""
    argv = (sys.executable, "-m", "cli", *words.split())
    environment = environment_of(Part(name, 1), setup)
    return Process(Command(argv, environment, REPOSITORY, setup.home.log_of(f"{name}-1")))


def _turn_over(log: Path) -> None:
    """Keep one older file when the log has grown too long."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
