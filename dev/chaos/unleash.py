"""One run: people write, trouble is made, every answer is waited for, and the logs are judged."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx2

from dev.chaos import checker, report
from dev.chaos.crowd import UNRULY, Crowd
from dev.chaos.stack import Log, Stack
from dev.chaos.trouble import KILL_SHARE, Trouble

_LOOK_EVERY = 2.0
_QUIET = 5.0
"""Seconds to wait, when all is answered, for what would come twice."""


@dataclass(frozen=True)
class Settings:
    """How much of everything. `every`, `longest_pause`, `patience`: seconds."""

    conversations: int
    messages: int
    kills: int
    every: float
    seed: int
    replicas: str
    reconcile: str
    longest_pause: float
    patience: float

    @property
    def seconds(self) -> float:
        """Return how long the trouble will take."""
        return self.kills * self.every / KILL_SHARE


async def unleash(stack: Stack, settings: Settings, keep: Path | None = None) -> dict[str, Any]:
    """Run it all on a stack, and return the report; `keep`: where the logs go that it was made from."""
    began = time.time()
    async with stack.simulator() as simulator, stack.model() as model:
        rate = settings.conversations * settings.messages / settings.seconds
        crowd = Crowd(
            simulator,
            settings.conversations,
            settings.messages,
            rate,
            random.Random(settings.seed + 1),
            weights=UNRULY,
        )
        trouble = Trouble(
            simulator,
            model,
            stack.status,
            random.Random(settings.seed),
            settings.every,
            settings.kills,
            settings.longest_pause,
        )
        finished = await _to_the_end(crowd, trouble, 2 * settings.seconds + settings.patience)
        history = await read_to_the_end(stack.forms, simulator, model, settings.patience)
    faults = [asdict(fault) for fault in trouble.faults]
    found = checker.check(history["wire"], history["calls"], faults, history["effects"])
    if keep is not None:
        report.keep(keep, history | {"faults": faults})
    return report.summary(
        asdict(settings), found, trouble.faults, finished=finished, died=trouble.died, seconds=time.time() - began
    )


async def _to_the_end(crowd: Crowd, trouble: Trouble, limit: float) -> bool:
    """Write and make trouble; False when there was not the time for it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(limit), asyncio.TaskGroup() as group:
            group.create_task(crowd.write())
            group.create_task(trouble.make())
    return trouble.died >= trouble.kills and len(crowd.written) == crowd.people * crowd.each


async def read_to_the_end(
    forms: Callable[[], Mapping[str, int]], simulator: httpx2.AsyncClient, model: httpx2.AsyncClient, patience: float
) -> dict[str, Any]:
    """Wait until nothing is unanswered any more, at most so long, and return all that is known."""
    wire = Log(simulator, "/sim/wire")
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if not checker.unanswered(await wire.read()):
            calls = (await model.get("/script/log")).json()
            if not checker.unanswered(wire.entries, calls):
                break
        await asyncio.sleep(_LOOK_EVERY)
    await asyncio.sleep(_QUIET)
    return {
        "wire": await wire.read(),
        "calls": (await model.get("/script/log")).json(),
        "effects": await asyncio.to_thread(forms),
    }
