"""
Fetches what people sent over WhatsApp from Twilio (twilio.md, section 9).

The first request goes to a host of Twilio's, with the account's credentials; Twilio redirects to where the file lies, and the
requests that follow go without them, wherever the outbound guard lets them.
"""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urljoin, urlsplit

from shared.channels.ports import Credentials, MediaUnfetched
from shared.channels.whatsapp_twilio.media_urls import host_of
from shared.outbound import Allowed, Fetched, Guard, OutboundFailure, open_guard
from shared.outbound.failures import TOO_LARGE

MOST_BYTES = 16 * 1024 * 1024
"""As much as WhatsApp lets anybody send."""

_MOST_REDIRECTS = 3
_LIMIT = 20.0
_PAUSES = (0.5, 1.5, 3.0)
"""Seconds before Twilio is asked again for what it does not have yet: what has just come may not be there for a moment."""

_TWILIO = "https://api.twilio.com"
"""As a base this is Twilio itself."""

_NOT_FOUND = 404


class WhatsAppTwilioMedia:
    """The channel's source. Made by `open_media`. `api_base`: what stands for Twilio on a laptop."""

    def __init__(self, guard: Guard, api_base: str | None = None, pauses: Sequence[float] = _PAUSES) -> None:
        self._guard = guard
        self._base = api_base.rstrip("/") if api_base else None
        self._pauses = pauses

    async def fetch(self, credentials: Credentials, url: str) -> bytes:
        """Return what is there, asking again where it is not there yet."""
        if host_of(url) is None:
            raise MediaUnfetched("gone")
        first = url if self._base is None else self._base + urlsplit(url).path
        came = await self._fetched(credentials, first)
        for pause in self._pauses:
            if came.status != _NOT_FOUND:
                break
            await asyncio.sleep(pause)
            came = await self._fetched(credentials, first)
        if not came.ok:
            raise MediaUnfetched("gone" if came.status == _NOT_FOUND else "unavailable")
        return came.body

    async def _fetched(self, credentials: Credentials, url: str) -> Fetched:
        login = b64encode(f"{credentials.user}:{credentials.secret}".encode()).decode()
        host = urlsplit(url).hostname or ""
        came = _checked(await self._guard.fetch(url, headers={"Authorization": f"Basic {login}"}, hosts={host}))
        for _ in range(_MOST_REDIRECTS):
            if not came.location:
                break
            url = urljoin(url, came.location)
            came = _checked(await self._guard.fetch(url))
        return came


def _checked(came: Fetched | OutboundFailure) -> Fetched:
    if isinstance(came, OutboundFailure):
        raise MediaUnfetched("too_large" if came is TOO_LARGE else "unavailable")
    return came


@asynccontextmanager
async def open_media(api_base: str | None, *, local: bool = False) -> AsyncIterator[WhatsAppTwilioMedia]:
    """Hold a guard for the length of the block. Only `api_base`, which is for laptops, may be near and without encryption."""
    if api_base == _TWILIO:
        api_base = None
    near = Allowed.of(urlsplit(api_base).netloc if api_base else "", loopback=local)
    async with open_guard(near, limit=_LIMIT, most=MOST_BYTES) as guard:
        yield WhatsAppTwilioMedia(guard, api_base)
