"""Waiting for a condition, with a generous deadline: these machines are shared and noisy."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE = 60.0
SELDOM = 0.25
"""Seconds between two looks that are work, for us or for whoever is looked at."""

_LOOK_EVERY = 0.02


async def eventually(
    look: Callable[[], Awaitable[T | None]], seconds: float = DEADLINE, every: float = _LOOK_EVERY
) -> T:
    """Return what `look` finds as soon as it is true; fail when it is not within the deadline."""
    until = time.monotonic() + seconds
    while not (found := await look()):
        if time.monotonic() > until:
            raise AssertionError(f"not within {seconds:g} s: {look}")
        await asyncio.sleep(every)  # eventually: the only pause in the suite
    return found
