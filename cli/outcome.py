"""How a command ends and where its words go: data on stdout, notes on stderr, and a status that scripts can tell apart."""

import json
import os
import sys
from collections.abc import Sequence
from enum import IntEnum, StrEnum
from typing import Any, NoReturn


class Exit(IntEnum):
    """Exit statuses."""

    FAILURE = 1
    CONFIGURATION = 2
    DENIED = 3
    NOT_FOUND = 4
    CONFLICT = 5
    UNAVAILABLE = 6
    INTERRUPTED = 130


class Output(StrEnum):
    """Forms of output."""

    TABLE = "table"
    JSON = "json"


class CommandFailed(Exception):
    """The command cannot do what it was asked to: a line for a person, and the exit status."""

    def __init__(self, status: Exit, line: str) -> None:
        super().__init__(line)
        self.status = status


def fail(status: Exit, line: str) -> NoReturn:
    """End the command."""
    raise CommandFailed(status, line)


def say(line: str = "") -> None:
    """Print data."""
    print(line, flush=True)


def note(line: str = "") -> None:
    """Print what is for people only."""
    print(line, file=sys.stderr, flush=True)


def say_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Print data as JSON."""
    say(json.dumps(value, indent=2, ensure_ascii=False))


def say_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns."""
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]
    for n, row in enumerate((header, *rows)):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        say(bold(line) if n == 0 else line)


def form(chosen: Output | None) -> Output:
    """Return the form asked for, else a table for a person and JSON for a program."""
    return chosen or (Output.TABLE if sys.stdout.isatty() else Output.JSON)


def bold(text: str) -> str:
    """Return the text in bold where the terminal shows it, and NO_COLOR does not forbid it."""
    return f"\033[1m{text}\033[0m" if _decorates() else text


def faint(text: str) -> str:
    """Return the text in grey where the terminal shows it, and NO_COLOR does not forbid it."""
    return f"\033[2m{text}\033[0m" if _decorates() else text


def _decorates() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
