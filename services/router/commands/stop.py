"""`/stop`, and a bare STOP: frees the number and drops what is still queued."""

from services.router.commands.command import Command
from services.router.mailbox import Mailbox
from services.router.threads import Message


async def stop(mailbox: Mailbox, message: Message, _argument: str) -> str | None:
    """Delete the binding and cancel running and queued answers; an open line falls silent until START."""
    await mailbox.cancel_turn(message)
    await mailbox.cancel_replies()
    await mailbox.unbind()
    await mailbox.close_conversation()
    if not mailbox.line.is_open:
        return "Stopped. This number is no longer paired."
    mailbox.thread.opted_out_at = message.at
    return "Stopped. You will get no more messages. Send START to come back."


STOP = Command("/stop", "disconnects this number and stops all messages", stop, bare=("stop",))
