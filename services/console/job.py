"""Periodic work: one process does it at a time."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from shared.store.session import EVERY_TENANT, Connection, Store
from shared.telemetry import SWEEP_FAILED, log

_AGAIN = 10.0
_LOOK_EVERY = 2.0


class AlreadyRunning(Exception):
    """Another process does this job just now."""


@asynccontextmanager
async def alone(store: Store, lock: int) -> AsyncIterator[Connection]:
    """Lend a connection that sees every tenant, for a job that nobody else does meanwhile. Raises AlreadyRunning."""
    async with store.connection(EVERY_TENANT) as connection:
        row = await (await connection.execute("select pg_try_advisory_lock(%s) as free", (lock,))).fetchone()
        if row is None or not row["free"]:
            raise AlreadyRunning
        try:
            yield connection
        finally:
            await connection.execute("select pg_advisory_unlock(%s)", (lock,))


@dataclass
class Worker(ABC):
    """Does what is due, one after another for ever: at once where it is woken, else every few seconds."""

    _woken: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    @abstractmethod
    async def next(self) -> bool:
        """Do one thing; false where none is due."""

    def wake(self) -> None:
        """Look for work at once."""
        self._woken.set()

    async def keep(self) -> None:
        """Do what is due, for ever."""
        while True:
            self._woken.clear()
            try:
                busy = await self.next()
            except Exception as error:  # noqa: BLE001 - the database is away; nothing is lost by trying again
                log.warning(SWEEP_FAILED, exc_info=error)
                busy = False
            if not busy:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_EVERY):
                        await self._woken.wait()


async def repeated(run: Callable[[], Awaitable[object]], every: float) -> None:
    """Run a job now and every so many seconds, sooner after it failed. Never ends."""
    while True:
        try:
            with suppress(AlreadyRunning):
                await run()
        except Exception as error:  # noqa: BLE001 - the database or NATS is away; nothing is lost by trying again
            log.warning(SWEEP_FAILED, exc_info=error)
            await asyncio.sleep(min(every, _AGAIN))
        else:
            await asyncio.sleep(every)
