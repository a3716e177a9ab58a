"""A router that takes messages as they are delivered, instead of reading a thread forward; deliveries overtake each other."""

import asyncio
import os
import random
from dataclasses import replace

import services.router.__main__ as router
from services.router.handlers import Router
from services.router.settings import RouterSettings
from services.router.threads import Group, Message
from shared.bus import Delivery, Stored
from shared.events import InboundReceived
from shared.ids import Sequence, TenantId, ThreadKey
from shared.process import run
from shared.settings import from_env

_LATE = 1.0


async def as_delivered(self: Router, event: InboundReceived, delivery: Delivery) -> None:
    await asyncio.sleep(random.uniform(0, _LATE))
    _, _, tenant, thread = delivery.subject.split(".")
    stored = Stored(delivery.seq, delivery.at, event.encode(), delivery.headers, delivery.subject)
    async with self.desk.open(Group.alone(ThreadKey(thread)), event) as mailbox:
        message = self._open(stored, ThreadKey(thread))
        assert isinstance(message, Message)
        place = Sequence(max(mailbox.thread.last_seq, mailbox.thread.asked_seq) + 1)
        await self._outcome(mailbox, replace(message, seq=place))
    await self._wake(TenantId(tenant), ThreadKey(thread), mailbox.work())


if __name__ == "__main__":
    Router.on_inbound = as_delivered  # type: ignore[method-assign]  # broken on purpose
    loaded = from_env(RouterSettings, os.environ)
    run("router", loaded, lambda stopping: router.main(loaded, stopping))
