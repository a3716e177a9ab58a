"""Runs the simulator: `python -m dev.simulator`."""

import asyncio
import os

import uvicorn

from dev.simulator.app import create_app, open_world
from dev.simulator.settings import SimulatorSettings


async def main(settings: SimulatorSettings) -> None:
    """Serve until SIGTERM."""
    async with open_world(settings) as world:
        config = uvicorn.Config(
            create_app(world),
            host=settings.host,
            port=settings.port,
            access_log=False,
            log_level="warning",
            lifespan="off",
            date_header=False,  # the application dates its answers by Twilio's clock
            timeout_graceful_shutdown=1,
        )
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main(SimulatorSettings.from_env(os.environ)))
