"""A whole stack for a journey: started, asked and ended through the command line, as a person would."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from dev.embedded import is_free
from tests.command_line import run

ROOT = Path(__file__).parents[2]
_WELL_KNOWN = (8080, 8081, 8082)
_UP_LIMIT = 180
_COMMAND_LIMIT = 120
_OURS = ("TRUNKLINE_", "TWILIO_", "OPENAI_", "CHANNEL_", "OTEL_")


def free_offset() -> int:
    """Return a port offset at which the three well-known ports are free."""
    for offset in range(2000 + os.getpid() % 700 * 10, 20000, 10):
        if all(is_free(port + offset) for port in _WELL_KNOWN):
            return offset
    raise AssertionError("no free ports")


@dataclass
class Stack:
    """A stack with a home of its own."""

    home: Path
    environment: dict[str, str]

    @classmethod
    def at(cls, home: Path, **variables: str) -> "Stack":
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        chosen = {"TRUNKLINE_HOME": str(home), "TRUNKLINE_PORT_OFFSET": str(free_offset()), **variables}
        return cls(home, inherited | chosen)

    def run(self, *words: str, check: bool = True, limit: int = _COMMAND_LIMIT) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "cli", *words],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
        assert not check or done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}\n{self.logs()}"
        return done

    def ask(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command in this process, whatever its status."""
        return run(words, self.environment, given)

    def told(self, *words: str, given: str = "") -> Any:
        """Return the JSON that a command says when it succeeds."""
        done = self.ask(*words, "-o", "json", given=given)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return json.loads(done.stdout) if done.stdout else None

    def up(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run("up", *words, limit=_UP_LIMIT)

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.told("status")
        return found

    def pids(self, name: str) -> list[int]:
        return [part["pid"] for part in self.status()["services"] if part["name"] == name and part["pid"]]

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End every process of a service; the supervisor brings it back."""
        self.end_all(self.pids(name), how)

    def end_all(self, pids: Iterable[int], how: signal.Signals = signal.SIGTERM) -> None:
        for pid in pids:
            os.kill(pid, how)

    def simulator(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(base_url=self.status()["simulator_url"], timeout=60, trust_env=False)

    def logs(self) -> str:
        """Return the ends of all logs, for a failed test's report."""
        ends = []
        for file in sorted((self.home / "logs").glob("*.log")):
            lines = file.read_text(errors="replace").splitlines()[-15:]
            ends.append("\n".join([f"--- {file.name}", *lines]))
        return "\n".join(ends)

    def end(self) -> None:
        self.run("reset", "--yes", check=False)


def logs(stack: Stack) -> bytes:
    """Return what our own processes logged."""
    names = ("ingress", "router", "agent", "egress", "console", "supervisor")
    return b"".join(file.read_bytes() for file in (stack.home / "logs").glob("*.log") if file.name.startswith(names))


async def metrics(stack: Stack) -> bytes:
    """Return what all services count."""
    scraped = b""
    async with httpx2.AsyncClient(trust_env=False) as client:
        for part in stack.status()["services"]:
            if part["name"] in {"ingress", "router", "agent", "egress", "console"}:
                scraped += (await client.get(f"{part['ops_url']}/metrics")).content
    return scraped
