"""Keeps one process running for as long as it is wanted."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Literal

from dev.embedded import StartFailed
from dev.stack.parts import Runnable
from dev.stack.plan import Part

State = Literal["starting", "running", "waiting", "stopped"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_STABLE = 10.0
"""Seconds after which a process counts as having come up well, and its next death as the first."""

_LOOK_AGAIN = 1.0


class Tender:
    """Starts a process, starts it again when it dies, ends it when it is no longer wanted."""

    def __init__(self, part: Part, runnable: Runnable, changed: Callable[[], None]) -> None:
        self.part = part
        self.runnable = runnable
        self.state: State = "stopped"
        self.restarts = 0
        self.last_exit: int | None = None
        self._wanted = False
        self._changed = changed
        self._nudge = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        process = self.runnable.process
        return process.pid if process and self.state in {"starting", "running"} else None

    def want(self, wanted: bool) -> None:  # noqa: FBT001 - it is the thing said
        """Say whether the process shall run."""
        self._wanted = wanted
        self.nudge()

    def nudge(self) -> None:
        """Look again: a child has ended, or the wish has changed."""
        self._nudge.set()

    async def tend(self) -> None:
        """Run until cancelled. Cancelling leaves the process as it is: `want(False)` and wait for `down` first."""
        pause = _FIRST_PAUSE
        while True:
            if not self._wanted:
                await asyncio.to_thread(self.runnable.stop)
                self._be("stopped")
                await self._until(lambda: self._wanted)
                pause = _FIRST_PAUSE
            began = time.monotonic()
            await self._run_once()
            if self._wanted:
                self.restarts += 1
                self._be("waiting")
                pause = _FIRST_PAUSE if time.monotonic() - began > _STABLE else pause
                await self._until(lambda: not self._wanted, pause)
                pause = min(_LONGEST_PAUSE, pause * 2)

    async def down(self) -> None:
        """Wait until it does not run."""
        while self.state != "stopped":
            await asyncio.sleep(_FIRST_PAUSE / 2)

    async def _run_once(self) -> None:
        self._be("starting")
        try:
            await asyncio.to_thread(self.runnable.start)
        except (StartFailed, OSError):
            return
        if process := self.runnable.process:
            self._be("running")
            await self._until(lambda: not self._wanted or process.exit_code() is not None)
            self.last_exit = process.exit_code()

    async def _until(self, holds: Callable[[], bool], seconds: float = float("inf")) -> None:
        deadline = time.monotonic() + seconds
        while True:
            self._nudge.clear()
            left = deadline - time.monotonic()
            if holds() or left <= 0:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._nudge.wait(), min(left, _LOOK_AGAIN))

    def _be(self, state: State) -> None:
        self.state = state
        self._changed()
