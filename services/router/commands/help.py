"""`/help`: the list of commands."""

from collections.abc import Sequence

from services.router.commands.command import Command
from services.router.mailbox import Mailbox
from services.router.threads import Message


def help_command(commands: Sequence[Command]) -> Command:
    """Return the command that lists `commands` and itself."""

    async def answer(_mailbox: Mailbox, _message: Message, _argument: str) -> str | None:
        lines = [f"- **{command.word}** {command.summary}" for command in (*commands, listed)]
        return "\n".join(["You can send:", "", *lines, "", "Anything else goes to the assistant."])

    listed = Command("/help", "shows this list", answer)
    return listed
