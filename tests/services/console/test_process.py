"""The console as a whole, in this process: from its variables to its last page."""

import asyncio

import httpx2

from dev.embedded import NatsServer
from dev.embedded.ports import free_port
from services.console.__main__ import main
from shared.bus import Bus
from shared.directory import account_key
from tests.eventually import DEADLINE, eventually
from tests.services.console.conftest import ACCOUNT, KEY, MakeSettings


async def test_a_console_that_is_started_sets_the_platform_up_and_serves(
    nats: NatsServer, bus: Bus, configured: MakeSettings
) -> None:
    """
    The seed is planted, the directory published, the pages and the API there; told to stop, it ends.
    """
    port, ops = free_port(), free_port()
    settings = configured(
        {
            "TRUNKLINE_NATS__URL": nats.url,
            "TRUNKLINE_CONSOLE__PORT": str(port),
            "TRUNKLINE_OPS__PORT": str(ops),
        }
    )
    stopping = asyncio.Event()
    running = asyncio.create_task(main(settings, stopping))

    async def is_up() -> bool:
        try:
            page = await client.get(f"http://127.0.0.1:{port}/sign-in")
            ready = await client.get(f"http://127.0.0.1:{ops}/readyz")
        except httpx2.TransportError:
            return False
        published = await bus.config.get(account_key(ACCOUNT))
        return page.is_success and ready.is_success and published is not None

    async with httpx2.AsyncClient(trust_env=False) as client:
        await eventually(is_up)
        made = await client.post(
            f"http://127.0.0.1:{port}/v1/pairing-codes", json={}, headers={"Authorization": f"Bearer {KEY}"}
        )
    stopping.set()
    await asyncio.wait_for(running, DEADLINE)
    assert made.status_code == 201
