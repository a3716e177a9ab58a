"""The command line as a person uses it, before a console of its own and a simulated Twilio."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from json import loads
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from dev.embedded import NatsServer
from dev.embedded.ports import free_port
from dev.simulator.testing import ACCOUNT_SID, AUTH_TOKEN, Running, simulator
from services.console.__main__ import main as serve
from tests.command_line import run
from tests.eventually import DEADLINE, eventually
from tests.services.console.conftest import KEY, MakeSettings

WEBHOOK_URL = "https://127.0.0.1:9/webhooks/twilio#rc=5&rp=5xx,ct,rt&ct=2000&rt=4000&tt=15000"


@dataclass(frozen=True)
class CommandLine:
    """Runs `trunkline` in this process, with an environment of its own."""

    environment: dict[str, str]
    sim: Running

    async def run(self, *words: str, given: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        """Return how a command ended, and what it said. Its words go to it as they are, and `given` to its standard input."""
        return await asyncio.to_thread(run, words, self.environment | more, given)

    async def told(self, *words: str, given: str = "") -> Any:
        """Return the JSON that a command says when it succeeds."""
        done = await self.run(*words, "-o", "json", given=given)
        assert done.returncode == 0, done
        return loads(done.stdout)


@pytest.fixture
async def trunkline(
    nats: NatsServer, configured: MakeSettings, request: pytest.FixtureRequest
) -> AsyncIterator[CommandLine]:
    """A command line for a platform whose account the simulator plays; a parameter is more of the console's environment."""
    with capture_logs():  # the console's, in this process: they would be among the commands' words
        async with simulator(WEBHOOK_URL, "http://127.0.0.1:9") as sim:
            port, ops = free_port(), free_port()
            settings = configured(
                {
                    "TRUNKLINE_ENVIRONMENT": "local",
                    "TRUNKLINE_NATS__URL": nats.url,
                    "TRUNKLINE_CONSOLE__PORT": str(port),
                    "TRUNKLINE_OPS__PORT": str(ops),
                    "TRUNKLINE_TWILIO_API_BASE": sim.url,
                    "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
                    "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
                    "TWILIO_WEBHOOK_URL": WEBHOOK_URL,
                    **getattr(request, "param", {}),
                }
            )
            stopping = asyncio.Event()
            running = asyncio.create_task(serve(settings, stopping))
            async with httpx2.AsyncClient(trust_env=False) as client:

                async def is_up() -> bool:
                    assert not running.done(), running.exception()
                    try:
                        return (await client.get(f"http://127.0.0.1:{ops}/readyz")).is_success
                    except httpx2.TransportError:
                        return False

                await eventually(is_up)
            environment = {"TRUNKLINE_API_URL": f"http://127.0.0.1:{port}", "TRUNKLINE_API_KEY": KEY, "PATH": ""}
            yield CommandLine(environment, sim)
            stopping.set()
            await asyncio.wait_for(running, DEADLINE)
