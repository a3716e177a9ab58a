"""The trouble: processes killed, ended and paused; Twilio and the model at their worst. A seed makes it repeatable."""

import asyncio
import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM, Signals
from typing import Any, Generic, Literal, TypeVar

import httpx2
import psutil

T = TypeVar("T")
Group = Literal["kill", "pause", "twilio", "model"]

_SERVICES = ("ingress", "router", "agent", "egress")
_SHARES: dict[Group, int] = {"kill": 7, "pause": 1, "twilio": 3, "model": 1}
_GROUPS = [group for group, share in _SHARES.items() for _ in range(share)]
KILL_SHARE = _SHARES["kill"] / len(_GROUPS)
"""How many of all faults are kills."""

_KILLS = (
    *((name, how) for name in _SERVICES for how in (SIGKILL, SIGTERM)),
    ("nats", SIGKILL),
    ("postgres", SIGKILL),
)
_PAUSED = (*_SERVICES, "nats", "postgres")
_SHORTEST_PAUSE = 2.0
Order = dict[str, Any]
_TWILIO: tuple[tuple[Order, ...], ...] = (
    ({"kind": "429", "times": 3},),
    ({"kind": "500_before"},),
    ({"kind": "500_after"},),
    ({"kind": "500_after"}, {"kind": "callback_lost"}),
    ({"kind": "drop_before"},),
    ({"kind": "drop_after"},),
    ({"kind": "drop_after"}, {"kind": "callback_lost"}, {"kind": "list_500"}),
    ({"kind": "hang", "seconds": 4},),
    ({"kind": "hang", "seconds": 32},),  # longer than egress waits
    ({"kind": "callback_lost", "times": 3},),
    ({"kind": "callback_late", "seconds": 4, "times": 3},),
    ({"kind": "callback_reordered", "times": 3},),
    ({"kind": "callback_duplicated", "times": 5},),
    ({"kind": "callback_before_201", "times": 3},),
    ({"kind": "list_lag", "seconds": 3},),
)
"""What Twilio does, each line at once. That nobody hears of a doubtful send is what its list is for."""

_MODEL: tuple[tuple[Order, ...], ...] = (
    ({"kind": "429"},),
    ({"kind": "500"},),
    ({"kind": "malformed"},),
    ({"kind": "loop"},),
    ({"kind": "delay", "seconds": 3},),
    ({"kind": "timeout", "seconds": 8},),
)


@dataclass(frozen=True)
class Fault:
    """What was done to whom, and when (epoch seconds)."""

    at: float
    kind: str
    target: str
    pid: int | None = None
    until: float | None = None


@dataclass
class Deck(Generic[T]):
    """Cards in a random order, shuffled anew when all were drawn: everything comes, and comes equally often."""

    cards: Sequence[T]
    chance: random.Random
    _left: list[T] = field(default_factory=list)

    def draw(self) -> T:
        """Return the next card."""
        if not self._left:
            self._left = [*self.cards]
            self.chance.shuffle(self._left)
        return self._left.pop()

    def put_back(self, card: T) -> None:
        """Let a card come again, after those that are left."""
        self._left.insert(0, card)


@dataclass
class Trouble:
    """Makes a fault every `every` seconds on average, until `kills` processes have died."""

    simulator: httpx2.AsyncClient
    model: httpx2.AsyncClient
    status: Callable[[], dict[str, Any]]
    chance: random.Random
    every: float
    kills: int
    longest_pause: float = 20.0
    faults: list[Fault] = field(default_factory=list)
    died: int = 0
    _paused: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._groups = Deck(_GROUPS, self.chance)
        self._kills = Deck(_KILLS, self.chance)
        self._pauses = Deck(_PAUSED, self.chance)
        self._twilio = Deck(_TWILIO, self.chance)
        self._model = Deck(_MODEL, self.chance)

    async def make(self) -> None:
        """Go on until enough has died."""
        async with asyncio.TaskGroup() as pauses:
            while self.died < self.kills:
                await asyncio.sleep(self.chance.expovariate(1 / self.every))
                match self._groups.draw():
                    case "kill":
                        await self._end()
                    case "pause":
                        seconds = self.chance.uniform(_SHORTEST_PAUSE, self.longest_pause)
                        pauses.create_task(self._pause(self._pauses.draw(), seconds))
                    case "twilio":
                        await self._order(self.simulator, "/sim/faults", "twilio", self._twilio.draw())
                    case "model":
                        await self._order(self.model, "/script/faults", "model", self._model.draw())

    async def _end(self) -> None:
        """End a process whose turn it is and that runs."""
        name, how = self._kills.draw()
        while (found := await self._somebody(name)) is None:
            self._kills.put_back((name, how))
            await asyncio.sleep(self.every / 10)
            name, how = self._kills.draw()
        pid, label = found
        self.faults.append(Fault(time.time(), how.name, label, pid))
        self.died += _send(pid, how)

    async def _pause(self, name: str, seconds: float) -> None:
        found = await self._somebody(name)
        if found is None:
            return
        pid, label = found
        now = time.time()
        self.faults.append(Fault(now, "pause", label, pid, now + seconds))
        self._paused.add(pid)
        stopped = [pid, *_stop(pid)]
        try:
            await asyncio.sleep(seconds)
        finally:
            for it in stopped:
                _send(it, SIGCONT)
            self._paused.discard(pid)

    async def _order(self, client: httpx2.AsyncClient, path: str, target: str, orders: Sequence[Order]) -> None:
        for order in orders:
            (await client.post(path, json=order)).raise_for_status()
        self.faults.append(Fault(time.time(), "+".join(str(order["kind"]) for order in orders), target))

    async def _somebody(self, name: str) -> tuple[int, str] | None:
        """Return a running process of this stack of this name that is not paused."""
        state = await asyncio.to_thread(self.status)
        running = [it for it in state["services"] if it["name"] == name and it["pid"] and it["pid"] not in self._paused]
        if not running:
            return None
        chosen = self.chance.choice(running)
        return int(chosen["pid"]), f"{name}-{chosen['replica']}"


def _stop(pid: int) -> list[int]:
    """Stop a process and then its children, without which Postgres would go on; return the children."""
    _send(pid, SIGSTOP)
    try:
        children = [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
    return [child for child in children if _send(child, SIGSTOP)]


def _send(pid: int, signal: Signals) -> bool:
    """Send a signal; False when the process ended by itself meanwhile."""
    try:
        os.kill(pid, signal)
    except ProcessLookupError:
        return False
    return True
