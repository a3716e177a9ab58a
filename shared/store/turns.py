"""
Whose turn it is to have a connection: as many at a time as there are, in the order in which they came.

A process has more work than connections, by design: of the threads that egress sends to at once most wait for the provider. Whoever waits
for others does so as long as these get on. With much to do that is long, and no failure.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg_pool import PoolTimeout


class Turns:
    """Turns of which `places` run at a time. `patience`: seconds without the end of one after which nobody waits any longer."""

    def __init__(self, places: int, patience: float) -> None:
        self._free = places
        self._patience = patience
        self._queue: deque[asyncio.Future[None]] = deque()
        self._ended = 0.0
        """When the last turn ended, by the event loop's clock."""
        self._having: set[asyncio.Task[Any] | None] = set()

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._queue)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Have a turn for the length of the block. Raises `PoolTimeout` where the others do not get on."""
        me = asyncio.current_task()
        if me in self._having:
            raise RuntimeError("who has a connection may not wait for a second one: where all do, nobody gets on")
        await self._come()
        self._having.add(me)
        try:
            yield
        finally:
            self._having.discard(me)
            self._ended = asyncio.get_running_loop().time()
            self._pass_on()

    async def _come(self) -> None:
        if self._free:
            self._free -= 1
            return
        loop = asyncio.get_running_loop()
        turn, came = loop.create_future(), loop.time()
        self._queue.append(turn)
        try:
            while not turn.done() and (left := max(came, self._ended) + self._patience - loop.time()) > 0:
                await asyncio.wait({turn}, timeout=left)
        except asyncio.CancelledError:
            self._leave(turn)
            raise
        if not turn.done():
            self._leave(turn)
            raise PoolTimeout(f"no connection was handed back for {self._patience} s")

    def _leave(self, turn: asyncio.Future[None]) -> None:
        if turn.done():  # it came all the same
            self._pass_on()
        else:
            self._queue.remove(turn)

    def _pass_on(self) -> None:
        if self._queue:
            self._queue.popleft().set_result(None)
        else:
            self._free += 1
