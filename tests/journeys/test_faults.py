"""Processes and servers die under load; the wire log shows that nobody noticed."""

import asyncio
import time
from signal import SIGKILL, SIGTERM, Signals

import httpx2
import pytest

from dev.chaos.checker import Verdict
from dev.chaos.crowd import Crowd
from tests.eventually import eventually
from tests.journeys.stack import Stack
from tests.journeys.writing import crowd, phones, verdict

PER_SECOND = 20.0


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("end", "first"), [(SIGKILL, 1000), (SIGTERM, 2000)], ids=["killed", "restarted"])
async def test_ending_each_service_in_turn_loses_doubles_and_reorders_nothing(
    stack: Stack, end: Signals, first: int
) -> None:
    """
    At 20 messages a second each of the four services is killed, or restarted; every message is answered once, in order.
    """
    async with stack.simulator() as simulator:
        people = crowd(simulator, 80, 4, PER_SECOND, first)
        writing = asyncio.create_task(people.write())
        for number, service in enumerate(("ingress", "router", "agent", "egress"), start=1):

            async def far_enough(share: int = number) -> bool:
                return len(people.written) >= share * 60

            await eventually(far_enough, 120)
            await asyncio.to_thread(stack.kill, service, end)
        await writing
        assert await verdict(simulator, phones(people), 60) == Verdict()
    assert len(people.written) == 320


async def answered(simulator: httpx2.AsyncClient, people: Crowd) -> float:
    """Wait until somebody of them is answered; return the seconds that it took."""
    began, mine = time.monotonic(), {f"whatsapp:{phone}" for phone in phones(people)}

    async def look() -> bool:
        wire = (await simulator.get("/sim/wire")).json()
        return any(it["kind"] == "message.create" and it["form"].get("To") in mine for it in wire)

    await eventually(look)
    return time.monotonic() - began


@pytest.mark.timeout(200)
async def test_without_postgres_messages_are_accepted_and_answered_when_it_is_back(stack: Stack) -> None:
    """
    Ingress needs no database: 200 throughout; replies flow within 15 s of its return, and none is missing.
    """
    async with stack.simulator() as simulator:
        people = crowd(simulator, 20, 5, 10.0, 3000)
        await asyncio.to_thread(stack.run, "stop", "postgres")
        await people.write()  # 10 s of messages
        wire = (await simulator.get("/sim/wire")).json()
        mine = {f"whatsapp:{phone}" for phone in phones(people)}
        assert {it["status"] for it in wire if it["kind"] == "inbound" and it["form"]["From"] in mine} == {200}
        await asyncio.to_thread(stack.run, "start", "postgres")
        assert await answered(simulator, people) <= 15
        assert await verdict(simulator, phones(people), 60) == Verdict()


@pytest.mark.timeout(200)
async def test_without_nats_twilio_is_told_to_come_again_and_all_flows_when_it_is_back(stack: Stack) -> None:
    """
    Ingress answers 503 within 4 s; within 10 s of the server's return replies flow, and none is missing.
    """
    async with stack.simulator() as simulator:
        people = crowd(simulator, 10, 2, 10.0, 4000)
        await asyncio.to_thread(stack.run, "stop", "nats")
        began = time.monotonic()
        refused = await simulator.post("/sim/messages", json={"from": "+15550990001", "body": "hello"})
        assert refused.json()["status"] == 503
        assert time.monotonic() - began < 4
        writing = asyncio.create_task(people.write())
        await asyncio.to_thread(stack.run, "start", "nats")
        assert await answered(simulator, people) <= 10
        await writing
        assert await verdict(simulator, phones(people), 60) == Verdict()
