"""
Which threads a process works on, and in which order.

A hint is taken while there is room; beyond that the tables are the queue. Whoever ends goes on with what is due, in an
order that gives each tenant its turn, so that one with a flood of work does not hold up the others. A sweep finds work
whose hint was lost or whose worker died: hints are only ever a shortcut.
"""

import asyncio
import contextvars
import itertools
from collections.abc import Awaitable, Callable, Coroutine, Sequence

from shared.ids import TenantId, ThreadKey
from shared.process import OneAtATime
from shared.telemetry import SWEEP_FAILED, log

Thread = tuple[TenantId, ThreadKey]
Due = Callable[[float], Awaitable[Sequence[Thread]]]
"""Returns threads that have waited for at least so many seconds, some of each tenant's, its oldest first."""

Work = Callable[[TenantId, ThreadKey], Awaitable[None]]

HAND_BACK_AFTER = 20.0
"""Seconds that work may take to end once the process is told to: 5 s before it would be killed."""

FAIR_ORDER = """
select tenant_id, key from (
  select tenant_id, key, since, row_number() over (partition by tenant_id order by since) as place from ({due}) as due
) as placed where place <= {each} order by place, since
"""
"""SQL for `Due`: the first of each tenant, then the second of each. `due` selects tenant_id, key and since."""


class FairWork:
    """Works on at most `room` threads at once in this process, each by one worker at a time."""

    def __init__(self, room: int, due: Due, work: Work, *, every: float, patience: float) -> None:
        self._room = room
        self._due = due
        self._work = work
        self._every = every
        self._patience = patience
        self._busy: OneAtATime[ThreadKey] = OneAtATime()
        self._workers: set[asyncio.Task[None]] = set()
        self._backlog = False
        self._ending = False
        self._count = itertools.count(1)
        self._served: dict[TenantId, int] = {}

    def hint(self, tenant: TenantId, thread: ThreadKey) -> None:
        """Work on a thread now if there is room for it; if it is being worked on, look at it once more."""
        if thread in self._busy:
            self._start(self._once(tenant, thread))
        elif not self._ending and len(self._workers) < self._room:
            self._start(self._serve(tenant, thread))
        else:
            self._backlog = True

    async def sweep(self) -> None:
        """Find what nobody works on, `every` so many seconds, once it has waited for `patience` seconds. Never ends."""
        while True:
            await asyncio.sleep(self._every)
            for tenant, thread in await self._look(self._patience):
                if thread not in self._busy:
                    self.hint(tenant, thread)

    async def end(self, seconds: float) -> None:
        """Take nothing more, let what runs end within so many seconds, and cancel the rest: it hands its thread back."""
        self._ending = True
        if self._workers:
            await asyncio.wait(self._workers, timeout=seconds)
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        worker = asyncio.create_task(work, context=contextvars.Context())  # a worker outlives the hint that woke it
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    async def _serve(self, tenant: TenantId, thread: ThreadKey) -> None:
        """Work on a thread, then on others for as long as more waits than there is room for."""
        await self._once(tenant, thread)
        while self._backlog and not self._ending:
            waiting = [it for it in await self._look(0.0) if it[1] not in self._busy]
            if not waiting:
                self._backlog = False
                return
            await self._once(*min(waiting, key=self._served_last))

    def _served_last(self, waiting: Thread) -> int:
        return self._served.get(waiting[0], 0)

    async def _once(self, tenant: TenantId, thread: ThreadKey) -> None:
        self._served[tenant] = next(self._count)
        try:
            await self._busy.do(thread, lambda: self._work(tenant, thread))
        except Exception as error:  # noqa: BLE001 - the last resort of all work on threads: the sweep comes by again
            log.warning(SWEEP_FAILED, thread=thread, exc_info=error)

    async def _look(self, patience: float) -> Sequence[Thread]:
        try:
            return await self._due(patience)
        except Exception as error:  # noqa: BLE001 - the database may be away; the next sweep looks again
            log.warning(SWEEP_FAILED, exc_info=error)
            return ()
