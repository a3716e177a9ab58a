"""News: whoever changes something tells; whoever waits for it is woken."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress


class News:
    """One signal for everything that a page shows."""

    def __init__(self) -> None:
        self.version = time.time_ns() // 1_000_000
        """Grows with every change, over a restart too: who has seen this version has missed nothing before it."""
        self._changed = asyncio.Event()

    def tell(self) -> int:
        """Wake everybody who waits; return the version that they will see."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()
        return self.version

    async def until(self, true: Callable[[], bool], wait: float) -> None:
        """Wait up to `wait` seconds for something to be true; it is looked at with every change."""
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                while not true():
                    await self._changed.wait()

    async def since(self, version: int | None, wait: float) -> None:
        """Wait up to `wait` seconds for a change that `version` has not seen; None: for the next one."""
        seen = self.version if version is None else version
        await self.until(lambda: self.version != seen, wait)
