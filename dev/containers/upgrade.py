"""
An upgrade and the way back while people write, service by service, as docs/deploy.md tells it.

The version before is running; the schema is expanded with the new images; every container is replaced by one of the new
version, each started beside those that it replaces, which then end in order; then everything goes back. The checker of chaos judges
what the simulator and the model saw.
"""

import asyncio
import random
import subprocess
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from dev.chaos import checker, report
from dev.chaos.crowd import Crowd
from dev.chaos.stack import stored_forms
from dev.chaos.trouble import Fault
from dev.chaos.unleash import read_to_the_end
from dev.containers.bases import make_bases
from dev.containers.composed import ADDRESS, Composed, composed
from dev.containers.engine import BUILD, Engine
from dev.containers.images import build_images
from dev.stack.home import REPOSITORY

BEFORE, AFTER = "before", "latest"
SERVICES = ("ingress", "router", "agent", "egress", "console")
_TWICE = ("ingress", "router", "agent", "egress")
_SETUP = ("migrations", "logins", "topology")
_PEOPLE, _EACH = 400, 1000
_WARM_UP, _REST = 10.0, 10.0
_PATIENCE = 300.0


@dataclass(frozen=True)
class Settings:
    """`commit`: what is upgraded from. `per_second`: messages."""

    commit: str
    per_second: float
    seed: int = 1


@dataclass
class Upgrade:
    """Replaces containers, and writes down each end of one as a fault for the checker."""

    stack: Composed
    ended: list[Fault] = field(default_factory=list)

    def expand(self) -> None:
        """Do with the new version what comes before a roll-out."""
        for job in _SETUP:
            self.stack.compose("run", "--rm", "--no-deps", job, tag=AFTER)

    def roll(self, tag: str) -> None:
        """Replace every service, one after the other."""
        for service in SERVICES:
            if service in _TWICE:
                self._beside(service, tag)
            else:
                self._in_place(service, tag)

    def _beside(self, service: str, tag: str) -> None:
        """Start as many new ones as there are, and end the old ones once those are healthy."""
        old = [it["Name"] for it in self.stack.containers(service)]
        words = ("--no-deps", "--no-recreate", "--scale", f"{service}={2 * len(old)}", service)
        self.stack.compose("up", "--detach", "--no-build", *words, tag=tag)
        self.stack.await_healthy(service)
        for container in old:
            self.ended.append(Fault(time.time(), "SIGTERM", service))
            self.stack.engine.docker("stop", "--time", "30", container)
            self.stack.engine.docker("rm", container)

    def _in_place(self, service: str, tag: str) -> None:
        self.ended.append(Fault(time.time(), "SIGTERM", service))
        self.stack.compose("up", "--detach", "--no-build", "--no-deps", service, tag=tag)
        self.stack.await_healthy(service)


def rehearse(engine: Engine, settings: Settings) -> dict[str, Any]:
    """Build both versions, upgrade and go back under load, and return the report. Raises CalledProcessError, TimeoutError."""
    make_bases(engine)
    build_images(engine, BEFORE, _checked_out(settings.commit))
    build_images(engine, AFTER)
    with composed(engine, "trunkline-rehearsal", "dev/containers/rehearsal.yml") as stack:
        stack.up(BEFORE, *(word for service in _TWICE for word in ("--scale", f"{service}=2")))
        return asyncio.run(_under_load(stack, settings))


async def _under_load(stack: Composed, settings: Settings) -> dict[str, Any]:
    began, upgrade = time.time(), Upgrade(stack)
    async with _client(8082) as simulator, _client(8083) as model:
        crowd = Crowd(simulator, _PEOPLE, _EACH, settings.per_second, random.Random(settings.seed))
        writing = asyncio.create_task(crowd.write())
        try:
            await _there_and_back(upgrade, writing)
        finally:
            writing.cancel()  # who had not been taken yet was not accepted
            with suppress(asyncio.CancelledError):
                await writing
        history = await read_to_the_end(lambda: _forms(stack), simulator, model, _PATIENCE)
    faults = [asdict(fault) for fault in upgrade.ended]
    found = checker.check(history["wire"], history["calls"], faults, history["effects"])
    told = report.summary(
        asdict(settings), found, upgrade.ended, finished=True, died=len(upgrade.ended), seconds=time.time() - began
    )
    return told | {"title": f"Upgrade from {settings.commit} and back"}


async def _there_and_back(upgrade: Upgrade, writing: "asyncio.Task[None]") -> None:
    await _write_for(_WARM_UP, writing)
    await asyncio.to_thread(upgrade.expand)
    for tag in (AFTER, BEFORE):
        await asyncio.to_thread(upgrade.roll, tag)
        await _write_for(_REST, writing)


async def _write_for(seconds: float, writing: "asyncio.Task[None]") -> None:
    """Let people write for a while; what stops them is raised."""
    done, _ = await asyncio.wait({writing}, timeout=seconds)
    for task in done:
        task.result()


def _forms(stack: Composed) -> Counter[str]:
    """Return how often each mark's contact form is stored; the database is reached by its container's own address."""
    (postgres,) = (it["Name"] for it in stack.containers("postgres"))
    (console,) = (it["Name"] for it in stack.containers("console"))
    place = stack.inspected(postgres, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")
    password = stack.inside(postgres, "cat", "/run/keys/password")
    return stored_forms(
        stack.inside(console, "cat", "/run/keys/vault"), f"postgresql://owner:{password}@{place}:5432/trunkline"
    )


def _checked_out(commit: str) -> Path:
    """Return a checkout of a commit of this repository."""
    tree = BUILD / BEFORE
    if not tree.exists():
        _git("clone", "--quiet", str(REPOSITORY), str(tree))
    _git("-C", str(tree), "fetch", "--quiet", "origin")
    _git("-C", str(tree), "checkout", "--quiet", commit)
    return tree


def _git(*words: str) -> None:
    subprocess.run(("git", *words), check=True)


def _client(port: int) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=f"http://{ADDRESS}:{port}", timeout=60, trust_env=False)
