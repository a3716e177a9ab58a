"""`/pair CODE`: makes this address the user who made the code."""

from services.router import pairing
from services.router.commands.command import Command
from services.router.mailbox import Mailbox
from services.router.threads import Message


async def pair(mailbox: Mailbox, message: Message, argument: str) -> str | None:
    """Bind the address to the code's user; a wrong code is counted, and after five there is silence."""
    if mailbox.binding is not None or mailbox.bound_elsewhere:
        return pairing.ALREADY_PAIRED
    if not argument:
        return pairing.CODE_MISSING
    if not pairing.may_try(mailbox.thread.wrong_codes, message.at) or not await pairing.may_try_here(mailbox):
        return None
    user = await mailbox.spend_code(pairing.normalise(argument))
    if user is None:
        await pairing.note_wrong(mailbox, message.at)
        return pairing.NOT_VALID
    await mailbox.bind(user)
    await mailbox.close_conversation()
    return f"Paired. This number now writes as {user.email}."


PAIR = Command("/pair", "CODE – connects this number to your account", pair)
