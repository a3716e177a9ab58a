"""Each service dies exactly where it hurts most, and nobody notices (safety.md, section 5)."""

import asyncio
import itertools
import secrets
from pathlib import Path
from typing import Any

import psycopg
import pytest

from shared.faultpoints import Step
from tests.eventually import eventually
from tests.journeys.stack import Stack

_SERVICES = ("ingress", "router", "agent", "egress")


def _places() -> list[str]:
    """Return every place, one service after another in turn: what dies often is restarted slower and slower."""
    all_places = [f"{step}.{side}" for step in Step for side in ("before", "after")]
    queues = [[place for place in all_places if place.startswith(service)] for service in _SERVICES]
    return [place for turn in itertools.zip_longest(*queues) for place in turn if place is not None]


@pytest.mark.parametrize("place", _places())
async def test_a_process_that_dies_there_costs_nothing_and_repeats_nothing(stack: Stack, place: str) -> None:
    """
    A message that makes the agent use a tool with a side effect is answered once, its form stored once, in every case.
    """
    phone, forms = f"+1777{secrets.randbelow(10**7):07d}", await _forms(stack)
    order = Path(stack.environment["TRUNKLINE_FAULT_POINTS"]) / place
    message = {"from": phone, "body": "contact: Ann, please call me", "sid": "SM" + secrets.token_hex(16)}
    async with stack.simulator() as simulator:
        await simulator.post("/sim/messages", json={"from": phone, "body": "hello"})
        await _shown(simulator, phone, 1)
        order.touch()

        async def taken() -> bool:
            return not await asyncio.to_thread(order.exists)

        async def accepted() -> bool:
            answer = await simulator.post("/sim/messages", json=message)  # Twilio, or its fallback, comes again
            return bool(answer.json()["status"] == 200)

        await eventually(accepted)
        await _shown(simulator, phone, 2)
        await eventually(taken)
        await simulator.post("/sim/messages", json={"from": phone, "body": "thanks"})
        answers = await _shown(simulator, phone, 3)
        wire = (await simulator.get("/sim/wire")).json()
    assert ["hello" in answers[0], "please call me" in answers[1], "thanks" in answers[2]] == [True, True, True]
    assert _created(wire, phone) == 3
    assert await _forms(stack) == forms + 1


async def _shown(simulator: Any, phone: str, count: int) -> list[str]:
    async def look() -> list[str] | None:
        shown = (await simulator.get(f"/sim/phones/{phone}/messages")).json()
        got = [message["body"] for message in shown if message["direction"] == "in"]
        return got if len(got) >= count else None

    return await eventually(look, 60)  # restarts pause longer and longer, and a doubtful send takes 6 s


def _created(wire: list[dict[str, Any]], phone: str) -> int:
    """Return how many messages Twilio took for this phone, whatever it answered."""
    mine = [entry for entry in wire if entry["kind"] == "message.create" and entry["form"]["To"].endswith(phone)]
    return len([entry for entry in mine if entry.get("message_sid")])


async def _forms(stack: Stack) -> int:
    """Return how many contact forms are stored: the tool's side effect."""
    async with await psycopg.AsyncConnection.connect(stack.status()["database_url"]) as connection:
        row = await (await connection.execute("select count(*) from form_submission")).fetchone()
    return int(row[0]) if row else 0
