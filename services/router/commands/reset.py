"""`/reset`: closes the conversation, so that the next message begins afresh."""

from services.router.commands.command import Command
from services.router.mailbox import Mailbox
from services.router.threads import Message


async def reset(mailbox: Mailbox, message: Message, _argument: str) -> str | None:
    """Cancel what the agent is at, and forget."""
    await mailbox.cancel_turn(message)
    await mailbox.close_conversation()
    return "Done. I have forgotten this conversation; your next message starts a new one."


RESET = Command("/reset", "starts a new conversation", reset)
