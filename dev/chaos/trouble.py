"""The trouble: processes killed, ended and paused; Twilio and the model at their worst. A seed makes it repeatable."""

import asyncio
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM, Signals
from typing import Any

import httpx2

_SERVICES = ("ingress", "router", "agent", "egress")
_DEADLY = (SIGKILL, SIGTERM)
_PAUSES = (2.0, 5.0, 8.0, 20.0)
_TWILIO: tuple[dict[str, Any], ...] = (
    {"kind": "429", "times": 3},
    {"kind": "500_before"},
    {"kind": "500_after"},
    {"kind": "drop_before"},
    {"kind": "drop_after"},
    {"kind": "callback_lost", "times": 3},
    {"kind": "callback_late", "seconds": 4, "times": 3},
    {"kind": "callback_reordered", "times": 3},
    {"kind": "callback_duplicated", "times": 5},
    {"kind": "callback_before_201", "times": 3},
    {"kind": "list_500"},
    {"kind": "list_lag", "seconds": 3},
)
_MODEL: tuple[dict[str, Any], ...] = (
    {"kind": "429"},
    {"kind": "500"},
    {"kind": "malformed"},
    {"kind": "loop"},
    {"kind": "delay", "seconds": 3},
    {"kind": "timeout", "seconds": 8},
)


@dataclass(frozen=True)
class Fault:
    """What was done to whom, and when (epoch seconds)."""

    at: float
    kind: str
    target: str
    until: float | None = None


@dataclass
class Trouble:
    """Makes a fault every `every` seconds on average, until `kills` processes have died."""

    simulator: httpx2.AsyncClient
    model: httpx2.AsyncClient
    status: Callable[[], dict[str, Any]]
    chance: random.Random
    every: float
    kills: int
    faults: list[Fault] = field(default_factory=list)
    _paused: set[int] = field(default_factory=set)

    async def make(self) -> None:
        """Go on until enough has died."""
        died = 0
        async with asyncio.TaskGroup() as pauses:
            while died < self.kills:
                await asyncio.sleep(self.chance.expovariate(1 / self.every))
                match self.chance.choices(("kill", "server", "pause", "twilio", "model"), (60, 6, 9, 17, 8))[0]:
                    case "kill":
                        died += await self._end(self.chance.choice(_SERVICES), self.chance.choice(_DEADLY))
                    case "server":
                        died += await self._end(self.chance.choice(("nats", "postgres")), SIGKILL)
                    case "pause":
                        pauses.create_task(self._pause(self.chance.choice(_SERVICES), self.chance.choice(_PAUSES)))
                    case "twilio":
                        await self._order(self.simulator, "/sim/faults", "twilio", self.chance.choice(_TWILIO))
                    case _:
                        await self._order(self.model, "/script/faults", "model", self.chance.choice(_MODEL))

    async def _end(self, name: str, how: Signals) -> int:
        pid, label = await self._somebody(name)
        if pid is None:
            return 0
        self.faults.append(Fault(time.time(), how.name, label))
        _send(pid, how)
        return 1

    async def _pause(self, name: str, seconds: float) -> None:
        pid, label = await self._somebody(name)
        if pid is None:
            return
        now = time.time()
        self.faults.append(Fault(now, "pause", label, now + seconds))
        self._paused.add(pid)
        _send(pid, SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            _send(pid, SIGCONT)
            self._paused.discard(pid)

    async def _order(self, client: httpx2.AsyncClient, path: str, target: str, order: dict[str, Any]) -> None:
        (await client.post(path, json=order)).raise_for_status()
        self.faults.append(Fault(time.time(), str(order["kind"]), target))

    async def _somebody(self, name: str) -> tuple[int | None, str]:
        """Return a running process of this name that is not paused."""
        state = await asyncio.to_thread(self.status)
        running = [it for it in state["services"] if it["name"] == name and it["pid"] and it["pid"] not in self._paused]
        if not running:
            return None, name
        chosen = self.chance.choice(running)
        return int(chosen["pid"]), f"{name}-{chosen['replica']}"


def _send(pid: int, signal: Signals) -> None:
    try:
        os.kill(pid, signal)
    except ProcessLookupError:
        return  # it ended by itself meanwhile
