"""The sweeper: finds work whose hint was lost or whose worker died, and does it. Hints are only ever a shortcut."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from shared.ids import TenantId, ThreadKey
from shared.process import OneAtATime
from shared.telemetry import SWEEP_FAILED, log

Due = Callable[[], Awaitable[Sequence[tuple[TenantId, ThreadKey]]]]
Work = Callable[[TenantId, ThreadKey], Awaitable[None]]


async def sweep(due: Due, work: Work, busy: OneAtATime[ThreadKey], every: float) -> None:
    """Look every `every` seconds and work on what is due, apart from what this process is busy with. Never ends."""
    async with asyncio.TaskGroup() as running:
        while True:
            await asyncio.sleep(every)
            for tenant, thread in await _look(due):
                if thread not in busy:
                    running.create_task(_do(work, tenant, thread))


async def _look(due: Due) -> Sequence[tuple[TenantId, ThreadKey]]:
    try:
        return await due()
    except Exception as error:  # noqa: BLE001 - the database may be away; the next sweep looks again
        log.warning(SWEEP_FAILED, exc_info=error)
        return ()


async def _do(work: Work, tenant: TenantId, thread: ThreadKey) -> None:
    try:
        await work(tenant, thread)
    except Exception as error:  # noqa: BLE001 - as for a delivery: the next sweep tries again
        log.warning(SWEEP_FAILED, exc_info=error)
