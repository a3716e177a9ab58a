"""What people wrote while nothing was there to take it is found at Twilio and answered."""

import asyncio
import time
from typing import Any

import httpx2
import pytest

from dev.chaos import checker
from dev.chaos.crowd import Writing
from tests.eventually import SELDOM, eventually
from tests.journeys.stack import Stack

PEOPLE, EACH = 40, 5
OUTAGE = 1800


@pytest.mark.timeout(200)
async def test_after_half_an_hour_without_ingress_every_message_is_found_and_answered(stack: Stack) -> None:
    """
    200 messages of 40 people that Twilio could not deliver are answered once, in order, within 120 s of the start.
    """
    written = [Writing(5000 + person, number, "plain") for number in range(EACH) for person in range(PEOPLE)]
    async with stack.simulator() as simulator:
        await asyncio.to_thread(stack.run, "stop", "ingress")
        for place, writing in enumerate(written):
            message = {"from": writing.phone, "body": writing.text, "ago": OUTAGE * (1 - place / len(written))}
            assert (await simulator.post("/sim/messages", json=message)).json()["status"] is None
        await asyncio.to_thread(stack.run, "start", "ingress")
        back = time.monotonic()

        async def all_answered() -> bool:
            answered = "".join(it["form"].get("Body", "") for it in await _answers(simulator))
            return all(f"[{writing.mark}]" in answered for writing in written)

        await eventually(all_answered, 120, SELDOM)
        assert time.monotonic() - back <= 120
        delivered = [
            {"kind": "inbound", "status": 200, "at": 0.0, "form": {"From": f"whatsapp:{it.phone}", "Body": it.text}}
            for it in written
        ]
        assert checker.check(delivered + await _answers(simulator), [], [], {}).verdict.good


async def _answers(simulator: httpx2.AsyncClient) -> list[dict[str, Any]]:
    wire = (await simulator.get("/sim/wire")).json()
    return [
        it
        for it in wire
        if it["kind"] == "message.create" and it["form"].get("To", "").startswith("whatsapp:+15550005")
    ]
