"""
What changed, told to the pages that are open: one stream of server-sent events per page, with notices and no content.

`messages-changed` follows the hints that the services exchange over NATS, a moment later, so that what is read again is there;
`dead-letters-changed` a look at the small index of those that wait. Elements fetch themselves anew, every 1.5 s at most: with both a
change is seen within 2 s, however much else changes (`python -m bench.live`).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psycopg
from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse
from psycopg_pool import PoolTimeout

from services.console.pages.routes import Page, signed_in
from services.console.pages.view import Looking
from shared.bus import Bus
from shared.ids import TenantId
from shared.store.session import EVERY_TENANT, Store
from shared.topology import INBOUND_SETTLED_ANY, OUT, STATUS, TURN

MESSAGES, DEAD_LETTERS = "messages-changed", "dead-letters-changed"

_SUBJECTS = (TURN.subjects[0], OUT.subjects[0], STATUS.subjects[0], INBOUND_SETTLED_ANY)
_TENANT = 2
"""Which word of a subject names the tenant."""

_SETTLES = 0.4
"""Seconds between a hint and its notice: whoever was woken by the hint writes meanwhile. Hints in between are one notice."""
_LOOK_EVERY = 1.5
_LONGEST = 600.0
_ALIVE = 15.0
_WAITING = "select tenant_id, count(*) as waiting, max(id) as newest from dead_letter where state = 'waiting' group by tenant_id"

Notice = tuple[str, str]


@dataclass(eq=False)
class _Listener:
    sees: TenantId
    notices: set[str] = field(default_factory=set)
    woken: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Changes:
    """Hears what changes, and tells those who listen."""

    bus: Bus
    store: Store
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _listeners: set[_Listener] = field(default_factory=set)
    _heard: set[str] = field(default_factory=set)
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    async def keep(self) -> None:
        """Listen to the services for as long as the console runs."""
        for subject in _SUBJECTS:
            await self.bus.overhear(subject, self._hear)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._pass_on())
            both.create_task(self._look_at_letters())

    @contextmanager
    def listening(self, sees: TenantId) -> Iterator[_Listener]:
        """Be told of a company's changes, or everybody's."""
        listener = _Listener(sees)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def tell(self, tenant: str, notice: str) -> None:
        """Tell whoever sees this company."""
        for listener in self._listeners:
            if listener.sees in {EVERY_TENANT, tenant}:
                listener.notices.add(notice)
                listener.woken.set()

    async def stream(self, sees: TenantId) -> AsyncIterator[bytes]:
        """Yield notices as server-sent events, until ten minutes are over or the console stops."""
        until = time.monotonic() + _LONGEST
        with self.listening(sees) as listener:
            yield b"retry: 500\n: here\n\n"
            while not self.stopping.is_set() and (left := until - time.monotonic()) > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(left, _ALIVE)):
                        await listener.woken.wait()
                listener.woken.clear()
                told = [f"event: {notice}\ndata: \n\n" for notice in sorted(listener.notices)]
                listener.notices.clear()
                yield "".join(told).encode() or b": alive\n\n"

    def stop(self) -> None:
        """End every stream: a stopping console does not wait for them."""
        self.stopping.set()
        for listener in self._listeners:
            listener.woken.set()

    async def _hear(self, subject: str) -> None:
        if self._listeners:
            self._heard.add(subject.split(".")[_TENANT])
            self._stirred.set()

    async def _pass_on(self) -> None:
        while True:
            await self._stirred.wait()
            await asyncio.sleep(_SETTLES)
            self._stirred.clear()
            heard, self._heard = self._heard, set()
            for tenant in heard:
                self.tell(tenant, MESSAGES)

    async def _look_at_letters(self) -> None:
        before: dict[str, tuple[int, str]] = {}
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            if self._listeners:
                with suppress(psycopg.Error, PoolTimeout):
                    now = await self._waiting()
                    for tenant in {*before, *now}:
                        if before.get(tenant) != now.get(tenant):
                            self.tell(tenant, DEAD_LETTERS)
                    before = now

    async def _waiting(self) -> dict[str, tuple[int, str]]:
        async with self.store.connection(EVERY_TENANT) as connection:
            rows = await (await connection.execute(_WAITING)).fetchall()
        return {row["tenant_id"]: (row["waiting"], row["newest"]) for row in rows}


def changes(told: Changes) -> APIRouter:
    """Return the stream."""
    router = APIRouter(route_class=Page)

    @router.get("/changes", **signed_in())
    async def stream(view: Looking) -> Response:
        return StreamingResponse(told.stream(view.who.sees), media_type="text/event-stream")

    return router
