"""
`python -m bench.footprint`: the bytes that a message leaves in each stream and in Postgres, on a local stack of its own.

A crowd writes once each, which makes them known, and then some times more; everything is answered, and each answer reported as the
simulator does. Bytes of a rest are compared with those of the rest before, with a vacuum as autovacuum would make between. Streams of
hints are empty at rest: how large a hint is, is seen while nobody takes it.
"""

import asyncio
import json
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import psycopg

from dev.chaos.stack import Stack, running

PEOPLE, AT_ONCE = 150, 8
TEXTS = (
    "Hello, do you have a double room for two nights from the third of May, please?",
    "That sounds good. Is breakfast included, and until when can one have it there?",
    "We come by car from the south. Where may we park it, and what does that cost us?",
    "One of us eats no gluten. Could your kitchen see to that, or shall we bring some?",
    "Then we should like to book it. What do you need from us to keep it until May?",
)
"""What somebody writes, one after another: who repeats themselves is taken for a machine."""
_PATIENCE = 300.0
_LOOK_AGAIN, _QUIET = 0.2, 2.0
_SIZES = """
select relname, pg_total_relation_size(oid)::bigint as bytes from pg_class
where relkind = 'r' and relnamespace = 'public'::regnamespace
"""
_ANSWERED = """
select count(*) filter (where state in ('delivered', 'read')), (select count(*) from status_event) from part
"""


@dataclass(frozen=True)
class Rest:
    """What is kept at one moment, in bytes. `messages`: how many each stream ever took in."""

    streams: Mapping[str, int]
    messages: Mapping[str, int]
    tables: Mapping[str, int]
    wal: int


@dataclass
class Footprint:
    """A stack, and the people who write to it."""

    stack: Stack
    simulator: httpx2.AsyncClient
    answered: int = 0

    async def round(self, text: str) -> None:
        """Let everybody write this, and wait until all of it is answered and reported."""
        await self.write(text)
        await self.settle()

    async def write(self, text: str, first: int = 0) -> None:
        """Let everybody write this. `first`: the number of the first of them, so that others can be told apart."""
        self.answered += PEOPLE
        places = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> None:
            message = {"from": f"+1555{number:07d}", "body": text, "sid": f"SM{secrets.token_hex(16)}"}
            async with places:
                told = (await self.simulator.post("/sim/messages", json=message)).json()
            if told.get("status") != httpx2.codes.OK:
                raise RuntimeError(f"not accepted: {told}")

        async with asyncio.TaskGroup() as group:
            for number in range(first, first + PEOPLE):
                group.create_task(one(number))

    async def settle(self) -> None:
        """Wait until every answer was delivered and no further report has come for a while."""
        until, before, since = time.monotonic() + _PATIENCE, (-1, -1), time.monotonic()
        while time.monotonic() - since < _QUIET or before[0] < self.answered:
            if time.monotonic() > until:
                raise TimeoutError(f"{before[0]} of {self.answered} answered")
            await asyncio.sleep(_LOOK_AGAIN)
            now = self.ask(_ANSWERED)[0]
            if now != before:
                before, since = now, time.monotonic()

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with psycopg.connect(self.stack.status()["database_url"], autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def rest(self) -> Rest:
        """Read what is kept now."""
        with psycopg.connect(self.stack.status()["database_url"], autocommit=True) as connection:
            connection.execute("vacuum analyze")
            tables: dict[str, int] = dict(connection.execute(_SIZES).fetchall())
            row = connection.execute("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint").fetchone()
        states = self.streams()
        return Rest(
            {name: state["bytes"] for name, state in states.items()},
            {name: state["last_seq"] for name, state in states.items()},
            tables,
            row[0] if row else 0,
        )

    def streams(self) -> dict[str, dict[str, int]]:
        """Return every stream's state, as NATS tells it."""
        url = f"{self.stack.status()['nats_monitor_url']}/jsz?streams=true"
        accounts = httpx2.get(url, trust_env=False).json()["account_details"]
        return {it["name"]: it["state"] for account in accounts for it in account["stream_detail"]}

    async def hinted(self, stream: str, hints: int) -> None:
        """Wait until so many hints are in a stream."""
        async with asyncio.timeout(_PATIENCE):
            while self.streams()[stream]["messages"] < hints:  # noqa: ASYNC110 - NATS tells nobody
                await asyncio.sleep(_LOOK_AGAIN)

    async def hint(self, service: str, stream: str) -> float:
        """Return the bytes of one hint, seen while the service that takes it is away."""
        state = self.streams()[stream]
        found: float = state["bytes"] / max(1, state["messages"])
        self.stack.run("start", service)
        return found


async def measure(stack: Stack) -> dict[str, Any]:
    """Run the rounds, and return bytes by message."""
    async with stack.simulator() as simulator:
        here = Footprint(stack, simulator, answered=1)  # `up` wrote the first message
        await here.settle()
        empty = here.rest()
        await here.round(TEXTS[0])
        known = here.rest()
        for text in TEXTS[1:]:
            await here.round(text)
            here.rest()
        full = here.rest()
        stack.run("stop", "agent")
        stack.run("stop", "egress")
        await here.write(TEXTS[0], first=PEOPLE)
        await here.hinted("TURN", PEOPLE)
        turn = await here.hint("agent", "TURN")
        await here.hinted("OUT", PEOPLE)
        out = await here.hint("egress", "OUT")
        await here.settle()
    messages = PEOPLE * (len(TEXTS) - 1)
    return {
        "text": sum(map(len, TEXTS)) // len(TEXTS),
        "messages": messages,
        "message": _difference(known, full, messages),
        "new person": _difference(empty, known, PEOPLE),
        "hint": {"TURN": round(turn), "OUT": round(out)},
    }


def _difference(before: Rest, after: Rest, messages: int) -> dict[str, Any]:
    def each(now: Mapping[str, int], then: Mapping[str, int]) -> dict[str, float]:
        grown = {name: (it - then.get(name, 0)) / messages for name, it in now.items()}
        return {name: round(it, 2) for name, it in sorted(grown.items()) if it}

    tables = each(after.tables, before.tables)
    return {
        "stream bytes": each(after.streams, before.streams),
        "stream messages": each(after.messages, before.messages),
        "table bytes": tables,
        "postgres bytes": round(sum(tables.values())),
        "wal bytes": round((after.wal - before.wal) / messages),
    }


if __name__ == "__main__":
    with running("", {}) as stack:
        json.dump(asyncio.run(measure(stack)), sys.stdout, indent=2)
