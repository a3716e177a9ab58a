"""`START`: lifts a stop on an open line. Known only while stopped; at any other time it is ordinary text."""

from services.router.commands.command import Command
from services.router.mailbox import Mailbox
from services.router.threads import Message


async def start(mailbox: Mailbox, _message: Message, _argument: str) -> str | None:
    """Answer this person again."""
    mailbox.thread.opted_out_at = None
    return "Welcome back. How can I help?"


START = Command("/start", "answers you again after /stop", start, bare=("start",))
