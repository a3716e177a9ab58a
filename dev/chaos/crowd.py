"""The people: each writes one message after another, and posts again what nobody took."""

import asyncio
import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import httpx2

Kind = Literal["plain", "form", "parts"]

_AGAIN = 0.5
_WEIGHTS: dict[Kind, int] = {"plain": 7, "form": 2, "parts": 1}


@dataclass(frozen=True)
class Writing:
    """One message of one person. Its mark, `[person-number]`, is in its text."""

    person: int
    number: int
    kind: Kind

    @property
    def mark(self) -> str:
        """Return what its answer is known by."""
        return f"{self.person}-{self.number}"

    @property
    def phone(self) -> str:
        """Return its sender's number."""
        return f"+1555{self.person:07d}"

    @property
    def text(self) -> str:
        """Return what is written."""
        match self.kind:
            case "form":
                return f"contact: Ann, please call me [{self.mark}]"
            case "parts":
                return f"parts 3 [{self.mark}]"
            case _:
                return f"hello [{self.mark}]"


@dataclass
class Crowd:
    """`people` phones that write `each` messages, round after round, `per_second` in all."""

    simulator: httpx2.AsyncClient
    people: int
    each: int
    per_second: float
    chance: random.Random
    first: int = 0
    """Number of the first person, so that crowds can be told apart."""
    written: list[Writing] = field(default_factory=list)

    async def write(self) -> None:
        """Write everything; a person's message waits until the one before it was taken."""
        gates = [asyncio.Lock() for _ in range(self.people)]
        async with asyncio.TaskGroup() as group:
            for writing in self._writings():
                group.create_task(self._post(writing, gates[writing.person - self.first]))
                await asyncio.sleep(self.chance.expovariate(self.per_second))

    def _writings(self) -> Iterator[Writing]:
        kinds, weights = list(_WEIGHTS), list(_WEIGHTS.values())
        for number in range(self.each):
            for person in range(self.first, self.first + self.people):
                yield Writing(person, number, self.chance.choices(kinds, weights)[0])

    async def _post(self, writing: Writing, gate: asyncio.Lock) -> None:
        message = {"from": writing.phone, "body": writing.text, "sid": "SM" + secrets.token_hex(16)}
        async with gate:
            while (await self.simulator.post("/sim/messages", json=message)).json().get("status") != httpx2.codes.OK:
                await asyncio.sleep(_AGAIN)
            self.written.append(writing)
