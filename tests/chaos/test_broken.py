"""The checker finds what it is there to find: four services with one promise broken, run for real."""

import asyncio
import os
import random
import secrets
from signal import SIGKILL

import httpx2
import pytest

from dev.chaos import checker
from dev.chaos.checker import Verdict
from dev.chaos.crowd import Crowd
from dev.chaos.stack import running
from tests.eventually import eventually

pytestmark = pytest.mark.timeout(120)


def _variant(**modules: str) -> dict[str, str]:
    chosen = {f"TRUNKLINE_VARIANT__{name.upper()}": f"tests.chaos.broken.{module}" for name, module in modules.items()}
    return chosen | {"TRUNKLINE_BURST_LIMIT": "0", "TRUNKLINE_EGRESS__RECONCILE_AFTER": "1,2,3"}


async def _verdict(simulator: httpx2.AsyncClient) -> Verdict:
    return checker.check((await simulator.get("/sim/wire")).json(), [], [], {}).verdict


async def _until(simulator: httpx2.AsyncClient, broken: str) -> None:
    """Wait until the checker finds this promise broken."""

    async def found() -> bool:
        return bool(getattr(await _verdict(simulator), broken))

    await eventually(found)


async def test_an_ack_before_the_commit_is_found_as_lost_messages() -> None:
    """
    The router is killed while it holds messages that it has acknowledged: nobody answers them, ever.
    """
    with running("", _variant(router="router_acks_first")) as stack:
        async with stack.simulator() as simulator:
            crowd = Crowd(simulator, people=20, each=1, per_second=200, chance=random.Random(1))
            await crowd.write()
            for router in stack.pids("router"):
                os.kill(router, SIGKILL)
            late = Crowd(simulator, people=1, each=1, per_second=200, chance=random.Random(1), first=900)
            await late.write()

            async def late_is_answered() -> bool:
                wire = (await simulator.get("/sim/wire")).json()
                return any("[900-0]" in it["form"].get("Body", "") for it in wire if it["kind"] == "message.create")

            await eventually(late_is_answered)
            assert (await _verdict(simulator)).lost


async def test_missing_dedup_is_found_as_double_turns() -> None:
    """
    Twilio delivers a message once more after it was answered, and it is answered again.
    """
    with running("", _variant(ingress="ingress_knows_nothing", router="router_takes_all")) as stack:
        async with stack.simulator() as simulator:
            message = {"from": "+15550000001", "body": "hello [1-0]", "sid": "SM" + secrets.token_hex(16)}
            await simulator.post("/sim/messages", json=message)

            async def answered() -> bool:
                return not checker.unanswered((await simulator.get("/sim/wire")).json())

            await eventually(answered)
            await simulator.post("/sim/messages", json=message)
            await _until(simulator, "double_turns")


async def test_a_missing_ledger_is_found_as_double_parts() -> None:
    """
    Twilio takes a part and answers 500: it is sent again, and arrives twice.
    """
    with running("", _variant(egress="egress_sends_again")) as stack:
        async with stack.simulator() as simulator:
            await simulator.post("/sim/faults", json={"kind": "500_after"})
            await Crowd(simulator, people=1, each=1, per_second=10, chance=random.Random(1)).write()
            await _until(simulator, "double_parts")


async def test_missing_order_is_found() -> None:
    """
    Messages that overtake each other are answered the wrong way round.
    """
    with running("", _variant(router="router_as_delivered")) as stack:
        async with stack.simulator() as simulator:
            crowd = Crowd(simulator, people=10, each=6, per_second=60, chance=random.Random(1))
            await asyncio.wait_for(crowd.write(), 60)
            await _until(simulator, "out_of_order")
