"""Processes and servers die under load; the wire log shows that nobody noticed."""

import asyncio
import time
from signal import SIGKILL, SIGTERM, Signals

import pytest

from tests.eventually import eventually
from tests.journeys.crowd import Crowd
from tests.journeys.history import Verdict, judge
from tests.journeys.stack import Stack

PER_SECOND = 20.0


@pytest.mark.timeout(200)
@pytest.mark.parametrize(("end", "prefix"), [(SIGKILL, 1), (SIGTERM, 4)], ids=["killed", "restarted"])
async def test_ending_each_service_in_turn_loses_doubles_and_reorders_nothing(
    stack: Stack, end: Signals, prefix: int
) -> None:
    """
    At 20 messages a second each of the four services is killed, or restarted; every message is answered once, in order.
    """
    async with stack.simulator() as simulator:
        crowd = Crowd(simulator, people=80, prefix=prefix, each=8)
        writing = asyncio.create_task(crowd.write(PER_SECOND))
        for number, service in enumerate(("ingress", "router", "agent", "egress"), start=1):

            async def far_enough(share: int = number) -> bool:
                return len(crowd.written) >= share * 120

            await eventually(far_enough, 60)
            await asyncio.to_thread(stack.kill, service, end)
        await writing
        history = await crowd.all_answered(60)
    assert len(crowd.written) == 640
    assert judge(history) == Verdict()


@pytest.mark.timeout(200)
async def test_without_postgres_messages_are_accepted_and_answered_when_it_is_back(stack: Stack) -> None:
    """
    Ingress needs no database: 200 throughout; replies follow within 15 s of its return.
    """
    async with stack.simulator() as simulator:
        crowd = Crowd(simulator, people=40, prefix=2, each=5)
        await asyncio.to_thread(stack.run, "stop", "postgres")
        await crowd.write(10.0)  # 20 s of messages
        wire = (await simulator.get("/sim/wire")).json()
        mine = [
            entry
            for entry in wire
            if entry["kind"] == "inbound" and entry["form"]["From"].startswith("whatsapp:+1555002")
        ]
        assert {entry["status"] for entry in mine} == {200}
        await asyncio.to_thread(stack.run, "start", "postgres")
        back = time.monotonic()
        history = await crowd.all_answered(60)
        assert time.monotonic() - back <= 15
    assert judge(history) == Verdict()


@pytest.mark.timeout(200)
async def test_without_nats_twilio_is_told_to_come_again_and_all_flows_when_it_is_back(stack: Stack) -> None:
    """
    Ingress answers 503 within 4 s; within 10 s of the server's return everything flows, untouched.
    """
    async with stack.simulator() as simulator:
        crowd = Crowd(simulator, people=10, prefix=3, each=2)
        await asyncio.to_thread(stack.run, "stop", "nats")
        began = time.monotonic()
        refused = await simulator.post("/sim/messages", json={"from": "+15550990001", "body": "hello"})
        assert refused.json()["status"] == 503
        assert time.monotonic() - began < 4
        writing = asyncio.create_task(crowd.write(10.0))
        await asyncio.to_thread(stack.run, "start", "nats")
        back = time.monotonic()
        await writing
        history = await crowd.all_answered(60)
        assert time.monotonic() - back <= 10
    assert judge(history) == Verdict()
