"""What a command asks a person for: whether they mean it, and secrets, which are never among its arguments."""

import sys
from getpass import getpass
from pathlib import Path

from cli.outcome import Exit, fail, note


def confirm(effect: str, *, sure: bool) -> None:
    """Ask whether it is meant, unless that was said; end the command where it is not, or nobody can be asked."""
    if sure:
        return
    if not sys.stdin.isatty():
        fail(Exit.CONFIGURATION, f"{effect} Say that you mean it: --yes")
    note(effect)
    note("Type yes to go on:")
    if input().strip().lower() != "yes":
        fail(Exit.FAILURE, "Nothing was changed.")


def secret(file: str | None, what: str, option: str) -> str:
    """Return a secret: from a file, from standard input where that is `-`, else asked for without showing it."""
    if file == "-":
        found = sys.stdin.readline()
    elif file is not None:
        found = content(file, option)
    elif sys.stdin.isatty():
        found = getpass(f"{what} (not shown): ")
    else:
        fail(Exit.CONFIGURATION, f"{what}: give a file that holds it, or - for standard input: {option} FILE")
    return found.strip() or fail(Exit.CONFIGURATION, f"{what}: it is empty")


def content(file: str, option: str) -> str:
    """Return what a file holds; end the command where it cannot be read. `option`: what named it."""
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(Exit.CONFIGURATION, f"{option}: {getattr(error, 'strerror', None) or 'not a text file'}")
