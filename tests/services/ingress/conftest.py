"""One ingress for tests that leave it as it was; those that break something start their own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from dev.embedded import NatsServer, nats_server
from shared.bus import Bus, apply_topology, open_bus
from tests.services.ingress.gateway import Gateway, running, seed


@pytest.fixture(scope="package")
def shared_nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("nats")) as server:
        apply_topology(server.url)
        yield server


@pytest.fixture(scope="package")
async def stream(shared_nats: NatsServer) -> AsyncIterator[Bus]:
    """The bus of the shared ingress, its directory written."""
    async with open_bus(shared_nats.url, "test") as opened:
        await seed(opened)
        yield opened


@pytest.fixture(scope="package")
async def gateway(
    shared_nats: NatsServer, stream: Bus, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    async with running(Gateway(shared_nats, tmp_path_factory.mktemp("ingress"))) as started:
        yield started


@pytest.fixture
async def own_gateway(nats: NatsServer, bus: Bus, tmp_path: Path) -> AsyncIterator[Gateway]:
    """An ingress of the test's own, behind the NATS server and the bus of the same test."""
    await seed(bus)
    async with running(Gateway(nats, tmp_path)) as started:
        yield started
