"""A crowd on the shared stack, and what the checker of chaos says of it."""

import random
from collections.abc import Sequence
from typing import Any

import httpx2

from dev.chaos import checker
from dev.chaos.checker import Verdict
from dev.chaos.crowd import Crowd
from tests.eventually import SELDOM, eventually


def crowd(simulator: httpx2.AsyncClient, people: int, each: int, per_second: float, first: int) -> Crowd:
    """Return people whose numbers nobody else has."""
    return Crowd(simulator, people, each, per_second, random.Random(first), first=first)


async def verdict(simulator: httpx2.AsyncClient, people: Sequence[str], seconds: float) -> Verdict:
    """Wait until nothing that these phones wrote is unanswered, and hold the log against the promises."""
    mine = {f"whatsapp:{phone}" for phone in people}

    async def wire() -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = (await simulator.get("/sim/wire")).json()
        return [it for it in entries if {it["form"].get("From"), it["form"].get("To")} & mine]

    async def all_answered() -> bool:
        found = checker.check(await wire(), [], [], {}).verdict
        return not found.lost and not found.lost_parts

    await eventually(all_answered, seconds, SELDOM)
    return checker.check(await wire(), [], [], {}).verdict


def phones(of: Crowd) -> list[str]:
    """Return the numbers of a crowd."""
    return [f"+1555{person:07d}" for person in range(of.first, of.first + of.people)]
