"""One service at a time, with real NATS and Postgres."""

from collections.abc import AsyncIterator

import pytest

from dev.embedded import NatsServer
from shared.bus import Bus, open_bus


@pytest.fixture
async def bus(nats: NatsServer) -> AsyncIterator[Bus]:
    async with open_bus(nats.url, "test") as opened:
        yield opened
