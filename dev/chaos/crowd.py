"""The people: each writes one message after another, and posts again what nobody took."""

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import httpx2

Kind = Literal[
    "plain", "form", "parts", "slow", "timeout", "busy", "fail", "empty", "malformed", "unknown tool", "loop"
]

_AGAIN = 0.5
CALM: Mapping[Kind, int] = {"plain": 7, "form": 2, "parts": 1}
"""What people ask for, and how often: nothing that troubles the model."""

UNRULY: Mapping[Kind, int] = {
    "plain": 60,
    "form": 15,
    "parts": 10,
    "slow": 5,
    "timeout": 1,
    "busy": 1,
    "fail": 2,
    "empty": 2,
    "malformed": 1,
    "unknown tool": 1,
    "loop": 2,
}
"""Likewise, with a model in trouble every tenth time: an apology is an answer then."""


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
            case "plain":
                return f"hello [{self.mark}]"
            case "slow":
                return f"slow 1.5 [{self.mark}]"
            case "timeout":
                return f"slow 60 [{self.mark}]"
            case word:
                return f"{word} [{self.mark}]"


@dataclass
class Crowd:
    """`people` phones that write `each` messages, `per_second` in all; some write several in a row."""

    simulator: httpx2.AsyncClient
    people: int
    each: int
    per_second: float
    chance: random.Random
    first: int = 0
    """Number of the first person, so that crowds can be told apart."""
    weights: Mapping[Kind, int] = field(default_factory=lambda: CALM)
    written: list[Writing] = field(default_factory=list)

    async def write(self) -> None:
        """Write everything; a person's message waits until the one before it was taken."""
        gates = [asyncio.Lock() for _ in range(self.people)]
        async with asyncio.TaskGroup() as group:
            for writing in self._writings():
                group.create_task(self._post(writing, gates[writing.person - self.first]))
                await asyncio.sleep(self.chance.expovariate(self.per_second))

    def _writings(self) -> Iterator[Writing]:
        kinds, weights = list(self.weights), list(self.weights.values())
        turns = [*range(self.first, self.first + self.people)] * self.each
        self.chance.shuffle(turns)
        written: Counter[int] = Counter()
        for person in turns:
            yield Writing(person, written[person], self.chance.choices(kinds, weights)[0])
            written[person] += 1

    async def _post(self, writing: Writing, gate: asyncio.Lock) -> None:
        message = {"from": writing.phone, "body": writing.text, "sid": "SM" + secrets.token_hex(16)}
        async with gate:
            while (await self.simulator.post("/sim/messages", json=message)).json().get("status") != httpx2.codes.OK:
                await asyncio.sleep(_AGAIN)
            self.written.append(writing)
