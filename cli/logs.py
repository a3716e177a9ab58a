"""The logs of the local stack."""

import time
from collections import deque
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from cli.local import home_here
from cli.outcome import Exit, fail, say

_POLL = 0.2


def show(name: str | None, *, follow: bool, lines: int) -> None:
    """Print the last lines of one process's logs or of all, and on demand what is added, until interrupted."""
    with ExitStack() as stack:
        opened = [
            (file.stem, stack.enter_context(file.open(encoding="utf-8", errors="replace"))) for file in _files(name)
        ]
        width = max(len(label) for label, _ in opened) if len(opened) > 1 else 0
        for label, file in opened:
            for line in deque(file, maxlen=lines):
                _print(label, width, line)
        while follow:
            if not any([_print_new(label, width, file) for label, file in opened]):  # noqa: C419 - all of them, each time
                time.sleep(_POLL)


def _files(name: str | None) -> list[Path]:
    home = home_here()
    files = sorted(home.logs.glob("*.log"))
    chosen = [file for file in files if name is None or name in {file.stem, file.stem.rpartition("-")[0]}]
    if not chosen:
        known = ", ".join(file.stem for file in files) or "none yet"
        fail(Exit.NOT_FOUND, f"There is no log of {name or 'anything'}. Logs: {known}")
    return chosen


def _print_new(label: str, width: int, file: IO[str]) -> bool:
    lines = file.readlines()
    for line in lines:
        _print(label, width, line)
    return bool(lines)


def _print(label: str, width: int, line: str) -> None:
    prefix = f"{label.ljust(width)} | " if width else ""
    say(prefix + line.rstrip("\n"))
