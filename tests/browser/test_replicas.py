"""Two replicas of the console behind one address, one of which is killed while a page is open."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, expect

from dev.embedded import NatsServer, PostgresServer
from dev.embedded.ports import free_port
from dev.embedded.process import Command, Process
from shared.events import ReplyReady
from shared.ids import ReplyId, ThreadKey
from shared.topology import OUT, out_subject
from tests.browser.console import EMAIL, PASSWORD, Console, environment_of
from tests.browser.look import window
from tests.conftest import PASSWORD as DATABASE_PASSWORD
from tests.eventually import eventually

_RESUMES = 10.0
"""Seconds (product-ux.md, section 9)."""


class Switch:
    """Leads each connection to the first of some ports that takes it, as a load balancer does. `port`: its own."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.port = 0
        self._ports = ports
        self.leads_to: int | None = None

    async def lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        for port in self._ports:
            with suppress(OSError):
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
                self.leads_to = port
                await asyncio.wait(
                    [asyncio.create_task(_carry(reader, far_writer)), asyncio.create_task(_carry(far_reader, writer))]
                )
                break
        writer.close()


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await source.read(65536):
            sink.write(piece)
            await sink.drain()
    sink.close()


@asynccontextmanager
async def switch(ports: Sequence[int]) -> AsyncIterator[Switch]:
    made = Switch(ports)
    server = await asyncio.start_server(made.lead, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


@contextmanager
def replica(environment: dict[str, str], log: Path) -> Iterator[Process]:
    process = Process(
        Command([sys.executable, "-m", "services.console"], {**os.environ, **environment}, Path.cwd(), log)
    )
    try:
        yield process
    finally:
        process.kill()


@pytest.fixture
def replicas(
    postgres: PostgresServer, database_url: str, nats: NatsServer, console: Console, tmp_path: Path
) -> Iterator[dict[int, Process]]:
    """Two consoles, each a process, over the same database; by their ports."""
    database = postgres.url_for("console", DATABASE_PASSWORD, urlsplit(database_url).path[1:])
    with ExitStack() as running:
        started = {}
        for port in (free_port(), free_port()):
            environment = environment_of(database, nats.url, port, TRUNKLINE_OPS__PORT=str(free_port()))
            started[port] = running.enter_context(replica(environment, tmp_path / f"console-{port}.log"))
        yield started


async def _listens(port: int) -> bool:
    with suppress(OSError):
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        return True
    return False


async def test_a_page_hears_of_changes_again_within_ten_seconds_of_its_replicas_death(
    browser: Browser, console: Console, replicas: dict[int, Process]
) -> None:
    """
    Also of what changed while it heard nothing; nobody signs in again.
    """
    await console.account()
    await console.past.plant()
    for port in replicas:
        await eventually(lambda port=port: _listens(port))  # type: ignore[misc]
    async with switch(list(replicas)) as front:
        page = await window(browser, f"http://127.0.0.1:{front.port}")
        await page.sign_in(EMAIL, PASSWORD)
        await page.go("/messages")
        await page.page.wait_for_function("document.getElementById('changes')._htmx?.sse")
        assert front.leads_to is not None
        replicas[front.leads_to].kill()
        killed = time.monotonic()
        await _write(console, 9)
        await expect(page.page.get_by_role("link", name="1 new")).to_be_visible(timeout=_RESUMES * 1000)
        resumed = round(time.monotonic() - killed, 2)
        print(f"live again after {resumed} s")  # noqa: T201 - a figure, with `-s`
        await expect(page.page.locator("#connection")).to_have_text("")
        await _write(console, 10)
        await expect(page.page.get_by_role("link", name="2 new")).to_be_visible()
        page.errors.clear()  # the browser tells of the connection that was cut
        await page.close()


async def _write(console: Console, n: int) -> None:
    """Let somebody write a message, of which the services tell each other."""
    await console.past.message(f"msg_acme{n}", "new", n, received_at=datetime.now(UTC))
    ready = ReplyReady(tenant=console.past.tenant, thread=ThreadKey("thacme"), reply_id=ReplyId(1))
    subject = out_subject(console.past.tenant, ThreadKey("thacme"))
    await console.bus.publish(OUT, subject, ready, message_id=f"new{n}")
