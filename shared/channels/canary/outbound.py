"""Egress's side of the canary: where a part would be sent, the provider's account is read with the same login."""

import secrets
from collections.abc import Awaitable, Callable

from shared.channels.ports import Accepted, Credentials, Outcome
from shared.channels.web.outbound import WebChat
from shared.ids import Address, AttemptId, ProviderSid


class Canary(WebChat):
    """
    The adapter: like a web chat, it has nobody to send to. `may_send`: tells whether a login works.

    Where it does not, the part counts as taken and failed at once: nobody misses it, so it is no dead letter.
    """

    def __init__(self, may_send: Callable[[Credentials], Awaitable[bool]]) -> None:
        self._may_send = may_send

    async def send(
        self, credentials: Credentials, *, sender: Address, to: Address, body: str, attempt: AttemptId
    ) -> Outcome:
        """Send nothing. The id is of the provider's form, for the report that comes back."""
        del sender, to, body, attempt
        works = await self._may_send(credentials)
        return Accepted(ProviderSid(f"SM{secrets.token_hex(16)}"), 200, status="accepted" if works else "failed")
