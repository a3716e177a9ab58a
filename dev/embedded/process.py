"""A child process that never outlives this one."""

import contextlib
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from signal import Signals

_LEASH = Path(__file__).with_name("leash.py")
_POLL = 0.02
_KILL_WAIT = 5.0


class StartFailed(Exception):
    """A process ended, or stayed unready, before its time to start was over."""

    def __init__(self, name: str, log: Path) -> None:
        super().__init__(f"{name} did not start; the reason is at the end of {log}")
        self.log = log


@dataclass(frozen=True)
class Account:
    """The user that a child runs as."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Command:
    """What to run, and how. `death_signal` is what the kernel sends when this process is gone."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    account: Account | None = None
    death_signal: Signals = Signals.SIGKILL

    def leashed(self) -> list[str]:
        """Return the full command line, leash first."""
        who = (str(self.account.uid), str(self.account.gid)) if self.account else ("-", "-")
        leash = (sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()), str(int(self.death_signal)))
        return [*leash, *who, *self.argv]


class Process:
    """A running command; its output is appended to its log."""

    def __init__(self, command: Command) -> None:
        command.log.parent.mkdir(parents=True, exist_ok=True)
        self._child = _keeper.call(lambda: _spawn(command))

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    def exit_code(self) -> int | None:
        """Return the exit status, negative for a signal; None while it runs."""
        return self._child.poll()

    def send(self, number: Signals) -> None:
        """Send a signal, to the process alone; nothing when it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._child.send_signal(number)

    def wait(self, seconds: float) -> int | None:
        """Wait for the end; return the exit status, or None if the time was too short."""
        try:
            return self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, number: Signals = Signals.SIGTERM, grace: float = 10.0) -> None:
        """Ask it to end; after `grace` seconds make it."""
        self.send(number)
        if self.wait(grace) is None:
            self.kill()

    def kill(self) -> None:
        """End it at once, and whatever it started in its process group."""
        if self.exit_code() is None:  # once it is reaped its number may be somebody else's
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, Signals.SIGKILL)
        self.send(Signals.SIGKILL)  # a child that has not reached setsid yet has no group of its own
        self.wait(_KILL_WAIT)


def await_ready(process: Process, ready: Callable[[], bool], seconds: float) -> bool:
    """Wait until `ready` holds; False when the process ended or the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.exit_code() is None:
        if ready():
            return True
        time.sleep(_POLL)
    return False


def _spawn(command: Command) -> subprocess.Popen[bytes]:
    with command.log.open("ab") as log:
        return subprocess.Popen(
            command.leashed(),
            env=dict(command.env),
            cwd=command.cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C at our terminal is ours to handle
        )


class _Keeper:
    """
    One thread that starts every child, and lives as long as this process.

    Linux sends the death signal when the *thread* that forked ends: a child started on a pool's thread would die with it.
    """

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[tuple[Callable[[], subprocess.Popen[bytes]], Future[subprocess.Popen[bytes]]]]
        self._work = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def call(self, spawn: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="child-keeper", daemon=True)
                self._thread.start()
        answer: Future[subprocess.Popen[bytes]] = Future()
        self._work.put((spawn, answer))
        return answer.result()

    def _run(self) -> None:
        while True:
            spawn, answer = self._work.get()
            try:
                answer.set_result(spawn())
            except OSError as error:
                answer.set_exception(error)


_keeper = _Keeper()
