"""The streams, as the topology job makes them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest
from nats.js import JetStreamContext

from dev.embedded import NatsServer, nats_server
from shared.bus import apply_topology
from shared.topology import INBOUND


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[NatsServer]:
    """A NATS server without streams."""
    with nats_server(tmp_path / "nats") as server:
        yield server


async def test_a_lost_inbound_begins_again_above_what_was_read(bare: NatsServer) -> None:
    """
    Threads remember by sequence how far they were read: a stream that began at 1 again would be taken for read.
    """
    connection = await nats.connect(bare.url)
    js = connection.jetstream()
    await make(bare, first=1_000)
    assert await stored(js) == 1_000
    await make(bare, first=2_000)
    assert await stored(js) == 1_001
    await js.delete_stream(INBOUND.name)
    await make(bare, first=3_000)
    assert await stored(js) == 3_000
    await connection.close()


async def make(server: NatsServer, first: int) -> None:
    """Apply the topology, as its job does: in a process with no loop of its own."""
    await asyncio.to_thread(apply_topology, server.url, first=first)


async def stored(js: JetStreamContext) -> int:
    """Store a message and return its sequence."""
    return (await js.publish("in.v1.tn_test.thread", b"")).seq
