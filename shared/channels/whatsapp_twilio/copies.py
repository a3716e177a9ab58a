"""Deletes what Twilio keeps of a message: its text, the numbers, and its media, which would stay without it."""

from shared.channels.ports import ProviderUnavailable
from shared.channels.whatsapp_twilio.rest import NotAnswered, Record, Trouble, TwilioRest
from shared.ids import ProviderSid

_WITH_MEDIA = "MM"
"""How the ids of messages begin that came with media."""


class _Media(Record):
    sid: str


async def forget(rest: TwilioRest, sid: ProviderSid) -> None:
    """Delete a message with its media. Raises ProviderUnavailable, also while Twilio still works on the message."""
    message = f"/Messages/{sid}"
    try:
        if sid.startswith(_WITH_MEDIA):
            listed = rest.each(_Media, "media_list", rest.account_url(f"{message}/Media"), {})
            for media in [media async for media in listed]:
                await rest.delete(rest.account_url(f"{message}/Media/{media.sid}"))
        await rest.delete(rest.account_url(message))
    except NotAnswered as problem:
        if problem.trouble is not Trouble.NOT_FOUND:
            raise ProviderUnavailable(problem.trouble.value) from None
