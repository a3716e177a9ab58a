"""A router that is handed its deliveries, one by one or many at once, in whatever order a test wants."""

import asyncio
import random
from collections.abc import Iterable
from typing import Any

from services.router.handlers import Router
from shared.bus import Bus, Delivery
from shared.events import InboundReceived
from shared.failures import Later
from shared.ids import Sequence
from shared.store.sealed import CONTACT_ADDRESS
from shared.topology import INBOUND
from tests.eventually import eventually
from tests.services.desk import TENANT, Person, Platform

USER_ID = "whatsapp:US.13491208655302741918"


class Street:
    """People, and a router beside which there may be seven more."""

    def __init__(self, bus: Bus, platform: Platform, router: Router) -> None:
        self.bus = bus
        self.platform = platform
        self.router = router
        self.rows = platform.rows

    def person(self, number: str = "+15550001", user_id: str | None = None, **more: Any) -> Person:
        return Person(self.bus, self.platform.vault, number, user_id, **more)

    async def deliver(self, *seqs: int, workers: int = 1) -> None:
        """Deliver these messages of the stream in this order, to so many workers, each until it is taken in."""
        queue = list(seqs)

        async def work() -> None:
            while queue:
                await self._deliver(Sequence(queue.pop(0)))

        await asyncio.gather(*(work() for _ in range(workers)))

    async def deliver_shuffled(self, seqs: Iterable[int]) -> None:
        """Deliver these messages in some other order, to eight workers."""
        shuffled = list(seqs)
        random.Random(len(shuffled)).shuffle(shuffled)
        await self.deliver(*shuffled, workers=8)

    async def _deliver(self, seq: Sequence) -> None:
        stored = await self.bus.read_one(INBOUND.name, seq)
        assert stored is not None
        delivery = Delivery(stored.subject, seq, stored.at, 1, stored.headers)

        async def taken_in() -> bool:
            try:
                await self.router.on_inbound(InboundReceived.decode(stored.body), delivery)
            except Later:
                return False
            return True

        await eventually(taken_in)

    async def one(self, query: str, *values: Any) -> dict[str, Any]:
        [row] = await self.rows(query, *values)
        return row

    async def taken_in(self) -> list[dict[str, Any]]:
        """Return all messages in the order in which they were taken in."""
        return await self.rows("select provider_sid, thread, seq, outcome from message order by routed_at, seq")

    async def address(self, contact: str) -> str:
        """Return where a contact is answered."""
        row = await self.one("select sealed_address from contact where id = %s", contact)
        return self.platform.vault.open(row["sealed_address"], CONTACT_ADDRESS.at(TENANT, contact)).decode()
