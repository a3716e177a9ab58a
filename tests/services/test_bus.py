"""The connection to NATS, and its end."""

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import nats.errors
import pytest

from dev.embedded import NatsServer
from shared.bus import BusUnavailable, Delivery, open_bus
from shared.bus.login import connect
from shared.events import InboundReceived, TurnRequested
from shared.ids import Sequence, TenantId, ThreadKey
from shared.topology import ROUTER, TURN, turn_subject
from tests.eventually import eventually

INFO = b'INFO {"server_id":"N","version":"2.12.0","proto":1,"headers":true,"max_payload":1048576}\r\n'


class StartFailed(Exception):
    """A service fails after its readers began."""


@pytest.mark.timeout(120)
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


@pytest.mark.timeout(120)
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


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextmanager
def nothing_left_open() -> Iterator[None]:
    """Hold against the block that it dropped a connection unclosed."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        yield
        gc.collect()
    assert [it for it in told if "StreamWriter" in str(it.message)] == []


@asynccontextmanager
async def server_of(serve: Serve) -> AsyncIterator[str]:
    """Run what NATS clients take for a server; give its address."""
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(INFO)
    await reader.readuntil(b"PING\r\n")
    writer.write(b"PONG\r\n")
    await writer.drain()


@pytest.mark.timeout(120)
async def test_a_server_that_hangs_up_leaves_no_connection_open() -> None:
    """
    Neither one that ends in service nor one that ends while it is greeted, as those of a server that restarts do.
    """
    in_order = iter(("serves", "ends", "ends", "stays"))
    back = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        what = next(in_order)
        if what != "ends":
            await greet(reader, writer)
        while what == "stays" and await reader.read(4096):
            writer.write(b"PONG\r\n")
        writer.close()

    async def on_back() -> None:
        back.set()

    with nothing_left_open():
        async with server_of(serve) as url, open_bus(url, "test", on_back):
            await back.wait()


@pytest.mark.timeout(120)
async def test_a_login_that_is_refused_leaves_no_connection_open() -> None:
    """
    Though nobody was given what could be closed.
    """

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(INFO)
        await reader.readuntil(b"PING\r\n")
        writer.write(b"-ERR 'Authorization Violation'\r\n")
        writer.close()

    with nothing_left_open():
        async with server_of(refuse) as url:
            with pytest.raises(nats.errors.Error, match="Authorization Violation"):
                await connect({"servers": url, "allow_reconnect": False})
