"""The connection to NATS, and its end."""

import asyncio

import pytest

from dev.embedded import NatsServer
from shared.bus import Delivery, open_bus
from shared.events import InboundReceived
from shared.topology import ROUTER


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
