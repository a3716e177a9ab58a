"""Asks Twilio about an account: what was sent to its numbers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
from twilio.base.exceptions import TwilioException

from shared.channels.ports import Credentials, ProviderUnavailable, Received
from shared.channels.whatsapp_twilio.client import UNREADABLE, client, open_http
from shared.channels.whatsapp_twilio.http import TwilioHttp
from shared.channels.whatsapp_twilio.inbound import listed_message
from shared.ids import Address

_PAGE = 1000
"""As many as Twilio lists at once."""


class WhatsAppTwilioAccount:
    """The channel's account. Made by `open_account`."""

    def __init__(self, http: TwilioHttp) -> None:
        self._http = http

    async def received(self, credentials: Credentials, *, to: Address, since: datetime) -> list[Received]:
        """List page by page; Twilio filters by day, we by the second."""
        try:
            messages = client(self._http, credentials).messages
            page = await messages.page_async(to=to, date_sent_after=since.date(), page_size=_PAGE)
            found = [*page]
            while (page := await page.next_page_async()) is not None:
                found += page
            received = [one for record in found if (one := _received(record)) and one.at >= since]
        except (aiohttp.ClientError, TimeoutError, TwilioException, OSError, *UNREADABLE) as error:
            raise ProviderUnavailable(type(error).__name__) from error
        return sorted(received, key=lambda one: one.at)


@asynccontextmanager
async def open_account(api_base: str | None) -> AsyncIterator[WhatsAppTwilioAccount]:
    """Hold one session for the length of the block."""
    async with open_http(api_base) as http:
        yield WhatsAppTwilioAccount(http)


def _received(record: Any) -> Received | None:  # noqa: ANN401 - the SDK is untyped
    """Read a listed message; None for one of ours, or of a form that we would not take as a webhook either."""
    at = record.date_sent or record.date_created
    if record.direction != "inbound" or at is None:
        return None
    message = listed_message(
        sid=str(record.sid), sender=record.from_, to=record.to, text=record.body or "", num_media=record.num_media
    )
    return Received(message, at.astimezone(UTC)) if message else None
