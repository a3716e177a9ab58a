"""The life of a service process: signals, background work, an orderly end."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

from shared import faultpoints, telemetry
from shared.settings import Settings, describe
from shared.telemetry import SERVICE_STOPPING, SETTINGS_LOADED, log

K = TypeVar("K")

_CANCEL_AGAIN = 2.0


class OneAtATime(Generic[K]):
    """Does the work of a key once at a time in this process; a call during the work lets it run once more instead."""

    def __init__(self) -> None:
        self._again: dict[K, bool] = {}

    def __contains__(self, key: K) -> bool:
        return key in self._again

    async def do(self, key: K, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work`, or leave it to whoever runs it now."""
        if key in self._again:
            self._again[key] = True
            return
        try:
            self._again[key] = True
            while self._again[key]:
                self._again[key] = False
                await work()
        finally:
            del self._again[key]


def run(service: str, settings: Settings, main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run a service until SIGTERM or SIGINT sets the event that `main` is given."""
    telemetry.set_up(service, settings.log.level)
    faultpoints.arm(settings.fault_points)
    log.info(SETTINGS_LOADED, **describe(settings))
    asyncio.run(_until_signalled(main))
    telemetry.shut_down()


async def _until_signalled(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stopping = asyncio.Event()

    def stop() -> None:
        log.info(SERVICE_STOPPING)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    await main(stopping)


@asynccontextmanager
async def background(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `works` beside the block; they end with it, and a crash of one ends the block."""
    inside = asyncio.current_task()

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None and inside is not None:
            inside.cancel()

    tasks = [asyncio.create_task(work) for work in works]
    for task in tasks:
        task.add_done_callback(ended)
    try:
        yield
    finally:
        await end_all(tasks)
        errors = [task.exception() for task in tasks if not task.cancelled()]
        for error in filter(None, errors):
            raise error


async def end_all(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel until all have ended: before Python 3.12, `wait_for` forgets a cancellation that comes with its result."""
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=_CANCEL_AGAIN)


def not_stopping(stopping: asyncio.Event) -> Callable[[], Awaitable[str | None]]:
    """Return the readiness check that fails as soon as the process was told to stop."""

    async def check() -> str | None:
        return "stopping" if stopping.is_set() else None

    return check
