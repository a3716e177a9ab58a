"""A terminal of one's own before a command: a real pseudo-terminal, and what a person would see on its screen."""

import asyncio
import os
import pty
import struct
import sys
import termios
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fcntl import ioctl

import pyte

from tests.eventually import eventually

ROWS, COLUMNS = 24, 80
_CONTROLLING = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
"""Makes the pseudo-terminal the one that Ctrl-C of a process comes from, then becomes the command."""


class _Screen(pyte.Screen):
    """Answers where the cursor is, as terminals do."""

    def __init__(self, keyboard: int) -> None:
        super().__init__(COLUMNS, ROWS)
        self._keyboard = keyboard

    def write_process_input(self, data: str) -> None:
        os.write(self._keyboard, data.encode())


@dataclass
class Terminal:
    """The terminal and the command in it."""

    screen: pyte.Screen
    keyboard: int
    process: asyncio.subprocess.Process

    @property
    def lines(self) -> list[str]:
        """What is on the screen, without what is blank."""
        return [line for line in (raw.rstrip() for raw in self.screen.display) if line]

    def type(self, keys: str) -> None:
        os.write(self.keyboard, keys.encode())

    async def until(self, *texts: str) -> list[str]:
        """Wait until lines that begin with these follow one another at the screen's end."""

        async def look() -> list[str] | None:
            found = self.lines[-len(texts) :]
            fits = len(found) == len(texts) and all(map(str.startswith, found, texts))
            return self.lines if fits else None

        try:
            return await eventually(look)
        except AssertionError:
            raise AssertionError(f"not on the screen: {texts}, but {self.lines}") from None

    def echoes(self) -> bool:
        """Tell whether the terminal is as shells leave it: it echoes, and waits for whole lines."""
        modes: int = termios.tcgetattr(self.keyboard)[3]
        return bool(modes & termios.ECHO and modes & termios.ICANON)


@asynccontextmanager
async def terminal(words: Sequence[str], environment: Mapping[str, str]) -> AsyncIterator[Terminal]:
    """Run a command of Python's in a terminal for the length of the block; it must have ended by then."""
    keyboard, line = pty.openpty()
    ioctl(line, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    screen = _Screen(keyboard)
    stream = pyte.ByteStream(screen)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CONTROLLING, sys.executable, *words,
        stdin=line, stdout=line, stderr=line, env=dict(environment), start_new_session=True,
    )  # fmt: skip
    loop = asyncio.get_running_loop()
    loop.add_reader(keyboard, lambda: stream.feed(os.read(keyboard, 65536)))
    try:
        yield Terminal(screen, keyboard, process)
        assert process.returncode is not None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        loop.remove_reader(keyboard)
        os.close(keyboard)
        os.close(line)
