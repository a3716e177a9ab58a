"""What the embedded servers have in common: they run from `with` to its end, in order or not."""

import asyncio
from abc import ABC, abstractmethod
from pathlib import Path
from signal import Signals
from types import TracebackType
from typing import ClassVar, Self

from dev.embedded.ports import free_port
from dev.embedded.process import Process


class EmbeddedServer(ABC):
    """A server that keeps everything below `directory`: a restart keeps the port and the data."""

    name: ClassVar[str]
    ends_in_order_on: ClassVar[Signals]
    grace: ClassVar[float]
    """Seconds that it may take to end in order."""

    def __init__(self, directory: Path, port: int | None, log: Path | None) -> None:
        self.directory = directory.absolute()
        self.port = port or free_port()
        self.log = log or self.directory / f"{self.name}.log"
        self._process: Process | None = None

    @property
    def process(self) -> Process | None:
        """The server's process, if it was started and not stopped."""
        return self._process

    @abstractmethod
    def start(self) -> None:
        """Start, and wait until it is in service."""

    def stop(self) -> None:
        """Shut down in order; nothing when it does not run."""
        if self._process:
            self._process.stop(self.ends_in_order_on, self.grace)
            self._process = None

    def kill(self) -> None:
        """Kill it as a crash would: the next start recovers."""
        if self._process:
            self._process.kill()
            self._process = None

    def leave(self) -> None:
        """Do what the end of `with` does: stop."""
        self.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.leave()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.leave)
