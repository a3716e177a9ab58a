"""What people wrote while nothing was there to take it is found at Twilio and answered."""

import asyncio
import time

import pytest

from tests.eventually import eventually
from tests.journeys.history import Verdict, judge, read
from tests.journeys.stack import Stack

PEOPLE, EACH = 40, 5
OUTAGE = 1800


@pytest.mark.timeout(200)
async def test_after_half_an_hour_without_ingress_every_message_is_found_and_answered(stack: Stack) -> None:
    """
    200 messages of 40 people that Twilio could not deliver are answered once, in order, within 120 s of the start.
    """
    async with stack.simulator() as simulator:
        await asyncio.to_thread(stack.run, "stop", "ingress")
        for number in range(EACH):
            for person in range(PEOPLE):
                mark = f"5{person:04d}-{number}"
                ago = OUTAGE * (1 - (number * PEOPLE + person) / (PEOPLE * EACH))
                message = {"from": f"+1555005{person:04d}", "body": f"hello [{mark}]", "ago": ago}
                assert (await simulator.post("/sim/messages", json=message)).json()["status"] is None
        await asyncio.to_thread(stack.run, "start", "ingress")
        back = time.monotonic()

        async def all_answered() -> bool:
            history = read((await simulator.get("/sim/wire")).json())
            answered = [mark for marks in history.answered.values() for mark in marks if mark.startswith("5")]
            return len(set(answered)) == PEOPLE * EACH

        await eventually(all_answered, 120)
        assert time.monotonic() - back <= 120
        history = read((await simulator.get("/sim/wire")).json())
    written = {
        f"whatsapp:+1555005{person:04d}": [f"5{person:04d}-{number}" for number in range(EACH)]
        for person in range(PEOPLE)
    }
    assert judge(type(history)(written, history.answered, history.doubled_parts)) == Verdict()
