"""How a command ends and where its words go: data on stdout, notes on stderr, and a status that scripts can tell apart."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, NoReturn

from cli.choices import Output, chosen


class Exit(IntEnum):
    """Exit statuses."""

    FAILURE = 1
    CONFIGURATION = 2
    DENIED = 3
    NOT_FOUND = 4
    CONFLICT = 5
    UNAVAILABLE = 6
    INTERRUPTED = 130


class CommandFailed(Exception):
    """
    The command cannot do what it was asked to: a line for a person, and the exit status.

    `problem`: the API's own document, where it was the API that refused.
    """

    def __init__(self, status: Exit, line: str, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(line)
        self.status = status
        self.problem = problem or {"title": status.name.capitalize(), "code": status.name.lower(), "detail": line}


def fail(status: Exit, line: str) -> NoReturn:
    """End the command."""
    raise CommandFailed(status, line)


def say(line: str = "") -> None:
    """Print data."""
    chosen.has_spoken = True
    print(line, flush=True)


def note(line: str = "") -> None:
    """Print what is for people only."""
    print(line, file=sys.stderr, flush=True)


def say_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Print data as JSON, on one line where lines were asked for."""
    say(json.dumps(value, indent=None if chosen.output is Output.JSONL else 2, ensure_ascii=False))


def say_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns."""
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(header, *shown, strict=True)]
    for n, row in enumerate((header, *shown)):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        say(bold(line) if n == 0 else line)


def form() -> Output:
    """Return the form asked for, else a table for a person and JSON for a program."""
    return chosen.output or (Output.TABLE if sys.stdout.isatty() else Output.JSON)


def is_table() -> bool:
    """Tell whether a person reads."""
    return form() is Output.TABLE


def printable(text: str) -> str:
    """Return a text on one line, without what could move a terminal's cursor: strangers wrote some of it."""
    return "".join(char if char.isprintable() else " " for char in text)


def bold(text: str) -> str:
    """Return the text in bold where the terminal shows it, and nobody forbids it."""
    return f"\033[1m{text}\033[0m" if _decorates() else text


def faint(text: str) -> str:
    """Return the text in grey where the terminal shows it, and nobody forbids it."""
    return f"\033[2m{text}\033[0m" if _decorates() else text


def _decorates() -> bool:
    if chosen.plain or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdout.isatty()
