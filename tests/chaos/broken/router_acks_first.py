"""A router that acknowledges before its commit: what it holds when it is killed is gone."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

from faststream.nats import NatsMessage

import services.router.__main__ as router
import shared.bus.client
from services.router.settings import RouterSettings
from shared.bus import Delivery
from shared.bus.settle import settle
from shared.process import run
from shared.settings import from_env
from shared.topology import Consumer

_SLOW = 0.5


async def acks_first(
    consumer: Consumer[Any], handler: Callable[[Any, Delivery], Awaitable[None]], message: NatsMessage
) -> None:
    await message.ack_sync()
    await asyncio.sleep(_SLOW)
    await settle(consumer, handler, message)


if __name__ == "__main__":
    shared.bus.client.settle = acks_first  # type: ignore[attr-defined]  # it is imported there
    loaded = from_env(RouterSettings, os.environ)
    run("router", loaded, lambda stopping: router.main(loaded, stopping))
