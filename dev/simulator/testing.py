"""The simulator inside a test's own event loop."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import httpx2
import uvicorn

from dev.embedded import free_port
from dev.simulator.app import create_app, open_world
from dev.simulator.settings import SimulatorSettings
from dev.simulator.world import World

ACCOUNT_SID = "AC" + "5" * 32
AUTH_TOKEN = "7" * 32
SENDER = "whatsapp:+14155238886"


class Server(uvicorn.Server):
    """Leaves the signals to the test."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@dataclass(frozen=True)
class Running:
    """A simulator that serves: its world, its address, and a client for its API."""

    world: World
    url: str
    api: httpx2.AsyncClient


@asynccontextmanager
async def simulator(webhook_url: str, ingress_url: str) -> AsyncIterator[Running]:
    """Run a simulator for the length of the block."""
    port = free_port()
    settings = SimulatorSettings(ACCOUNT_SID, AUTH_TOKEN, SENDER, webhook_url, ingress_url, port=port)
    url = f"http://127.0.0.1:{port}"
    async with open_world(settings) as world, httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False) as api:
        config = uvicorn.Config(
            create_app(world),
            port=port,
            log_config=None,
            lifespan="off",
            date_header=False,
            timeout_graceful_shutdown=1,
        )
        server = Server(config)
        task = asyncio.create_task(server.serve())
        try:
            while not server.started:
                await asyncio.sleep(0.01)
            yield Running(world, url, api)
        finally:
            server.should_exit = True
            await task
