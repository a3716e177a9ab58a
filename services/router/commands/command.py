"""What a command is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.router.mailbox import Mailbox
from services.router.threads import Message

Run = Callable[[Mailbox, Message, str], Awaitable[str | None]]


@dataclass(frozen=True)
class Command:
    """
    A word with a slash, what /help says of it, and what it does.

    `run` gets the mailbox, the message and the rest of its line, and returns the answer; None stays silent.
    `bare`: words without a slash that mean the same when they stand alone.
    """

    word: str
    summary: str
    run: Run
    bare: tuple[str, ...] = ()
