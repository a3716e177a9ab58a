"""
Which threads a process works on, and in which order.

A hint is taken while there is room, and waits else. A place that gets free goes to the tenant that was served least recently,
and a few places beyond the room are kept for tenants that hold hardly any, so that one with a flood of work does not hold up
the others. A sweep over the tables finds work whose hint was
lost or whose worker died: hints are only ever a shortcut.
"""

import asyncio
import contextvars
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Sequence

from shared.failures import Later
from shared.ids import TenantId, ThreadKey
from shared.process import OneAtATime, end_all
from shared.telemetry import SWEEP_FAILED, log

Thread = tuple[TenantId, ThreadKey]
Due = Callable[[float], Awaitable[Sequence[Thread]]]
"""Returns threads that have waited for at least so many seconds, some of each tenant's, its oldest first."""

Work = Callable[[TenantId, ThreadKey], Awaitable[None]]

HAND_BACK_AFTER = 20.0
"""Seconds that work may take to end once the process is told to: 5 s before it would be killed."""

_KEPT_FREE = 4
"""For each so many places of its room a process has one more, for tenants that hold fewer than there are of these."""

_MOST_WAITING = 10_000
"""Hints of one tenant that wait in memory."""

FAIR_ORDER = """
select tenant_id, key from (
  select tenant_id, key, since, row_number() over (partition by tenant_id order by since) as place from ({due}) as due
) as placed where place <= {each} order by place, since
"""
"""SQL for `Due`: the first of each tenant, then the second of each. `due` selects tenant_id, key and since."""


class FairWork:
    """Works on at most `room` threads at once in this process, and a few more, each by one worker at a time."""

    def __init__(self, room: int, due: Due, work: Work, *, every: float, patience: float) -> None:
        self._room = room
        self._kept_free = max(1, room // _KEPT_FREE)
        self._due = due
        self._work = work
        self._every = every
        self._patience = patience
        self._busy: OneAtATime[ThreadKey] = OneAtATime()
        self._workers: set[asyncio.Task[None]] = set()
        self._held: Counter[TenantId] = Counter()
        """How many places each tenant holds."""
        self._waiting: OrderedDict[TenantId, dict[ThreadKey, None]] = OrderedDict()
        """Threads in their order, by tenant; the tenant that was served least recently is the first."""
        self._ending = False

    def hint(self, tenant: TenantId, thread: ThreadKey) -> None:
        """Work on a thread as soon as there is room for it; if it is being worked on, look at it once more."""
        if thread in self._busy:
            self._start(self._once(tenant, thread))
        elif self._ending:
            return
        elif self._has_place(tenant):
            self._serve(tenant, thread)
        else:
            mine = self._waiting.setdefault(tenant, {})
            if len(mine) < _MOST_WAITING:  # the sweep finds the others
                mine[thread] = None

    async def sweep(self) -> None:
        """Find what nobody works on, `every` so many seconds, once it has waited for `patience` seconds. Never ends."""
        while True:
            await asyncio.sleep(self._every)
            for tenant, thread in await self._look():
                if thread not in self._busy:
                    self.hint(tenant, thread)

    async def end(self, seconds: float) -> None:
        """Take nothing more, let what runs end within so many seconds, and cancel the rest: it hands its thread back."""
        self._ending = True
        self._waiting.clear()
        if self._workers:
            await asyncio.wait(self._workers, timeout=seconds)
        await end_all(self._workers)

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        worker = asyncio.create_task(work, context=contextvars.Context())  # a worker outlives the hint that woke it
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)
        return worker

    def _has_place(self, tenant: TenantId) -> bool:
        taken = self._held.total()
        return taken < self._room or (taken < self._room + self._kept_free and self._held[tenant] < self._kept_free)

    def _serve(self, tenant: TenantId, thread: ThreadKey) -> None:
        """Give a thread a place; once it is done, the next one gets it."""

        def done(_: object) -> None:
            self._held[tenant] -= 1
            self._held += Counter()  # forget who holds none
            if (waiting := self._next()) is not None:
                self._serve(*waiting)

        self._held[tenant] += 1
        self._start(self._once(tenant, thread)).add_done_callback(done)

    def _next(self) -> Thread | None:
        """Take the oldest waiting thread of the first tenant in turn that may have a place."""
        tenant = next(filter(self._has_place, self._waiting), None)
        if tenant is None:
            return None
        mine = self._waiting.pop(tenant)
        thread = next(iter(mine))
        del mine[thread]
        if mine:
            self._waiting[tenant] = mine
        return tenant, thread

    async def _once(self, tenant: TenantId, thread: ThreadKey) -> None:
        try:
            await self._busy.do(thread, lambda: self._work(tenant, thread))
        except Later as later:
            asyncio.get_running_loop().call_later(later.delay, self.hint, tenant, thread)
        except Exception as error:  # noqa: BLE001 - the last resort of all work on threads: the sweep comes by again
            log.warning(SWEEP_FAILED, thread=thread, exc_info=error)

    async def _look(self) -> Sequence[Thread]:
        try:
            return await self._due(self._patience)
        except Exception as error:  # noqa: BLE001 - the database may be away; the next sweep looks again
            log.warning(SWEEP_FAILED, exc_info=error)
            return ()
