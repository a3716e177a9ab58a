"""The connection to NATS, and its end."""

import asyncio

import pytest

from dev.embedded import NatsServer
from shared.bus import BusUnavailable, Delivery, open_bus
from shared.events import InboundReceived, TurnRequested
from shared.ids import Sequence, TenantId, ThreadKey
from shared.topology import ROUTER, TURN, turn_subject
from tests.eventually import eventually


class StartFailed(Exception):
    """A service fails after its readers began."""


@pytest.mark.timeout(30)
async def test_a_service_that_fails_leaves_no_reader_behind(nats: NatsServer) -> None:
    """
    A reader that goes on over a closed connection spins and lets nothing else run: the process would neither work nor end.
    """

    async def handler(_event: InboundReceived, _delivery: Delivery) -> None:
        """Never called."""

    async def service() -> None:
        async with open_bus(nats.url, "test") as bus:
            bus.on(ROUTER, handler, workers=2)
            await bus.consume()
            raise StartFailed

    before = asyncio.all_tasks()
    with pytest.raises(StartFailed):
        await service()
    left = [task for task in asyncio.all_tasks() - before if not task.done()]
    for task in left:
        task.cancel()
    await asyncio.wait({asyncio.create_task(asyncio.sleep(0)), *left}, timeout=5)
    assert [task for task in left if not task.done()] == []


@pytest.mark.timeout(30)
async def test_a_service_ends_as_it_was_asked_to_though_nats_went_before_it(nats: NatsServer) -> None:
    """
    Nothing is left to be told to NATS, whose streams deliver again what was not acknowledged.
    """
    async with open_bus(nats.url, "test") as bus:
        nats.stop()

        async def is_noticed() -> bool:
            return await bus.check() is not None

        await eventually(is_noticed)
        unheard = TurnRequested(tenant=TenantId("tn_one"), thread=ThreadKey("t"), upto_seq=Sequence(1))
        with pytest.raises(BusUnavailable):
            await bus.publish(
                TURN, turn_subject(TenantId("tn_one"), ThreadKey("t")), unheard, message_id="one", timeout=0.1
            )
