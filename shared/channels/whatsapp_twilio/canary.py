"""Twilio's side of a canary's conversation that faces us: its message, and the report on our answer."""

from dataclasses import dataclass

import aiohttp

from shared.channels.canary.addresses import PERSON
from shared.channels.ports import Credentials
from shared.channels.whatsapp_twilio.posing import Form, message_form, open_session, post
from shared.ids import Address, AttemptId, ProviderSid

_TEXT = "Is anybody there?"
_TAKEN = frozenset({200, 204})


@dataclass(frozen=True)
class CanaryCalls:
    """Calls as Twilio would. `token`: what it signs with. `limit`: seconds for one call."""

    token: Credentials
    limit: float

    async def write(self, url: str, *, to: Address, sid: ProviderSid) -> bool:
        """Post the message; tell whether it was accepted."""
        form = message_form(account=self.token.account_sid, sid=sid, sender=PERSON, to=to, text=_TEXT)
        return await self._taken(url, form)

    async def report(self, url: str, *, sender: Address, sid: ProviderSid, attempt: AttemptId) -> bool:
        """Post that the answer was delivered; tell whether that was accepted."""
        form = [
            ("AccountSid", self.token.account_sid),
            ("From", sender),
            ("MessageSid", sid),
            ("MessageStatus", "delivered"),
            ("To", PERSON),
        ]
        return await self._taken(f"{url}?attempt={attempt}", form)

    async def _taken(self, url: str, form: Form) -> bool:
        try:
            async with open_session(self.limit) as session:
                status, _ = await post(session, url, form, self.token.secret)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return False
        return status in _TAKEN
