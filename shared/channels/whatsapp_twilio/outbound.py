"""Sends through Twilio, and asks it what became of a doubtful send."""

import errno
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException

from shared.channels.ports import Accepted, Credentials, Listed, Outcome, Refused, Unknown
from shared.channels.whatsapp_twilio import codes
from shared.channels.whatsapp_twilio.client import UNREADABLE, client, open_http
from shared.channels.whatsapp_twilio.dialect import render
from shared.channels.whatsapp_twilio.http import TwilioHttp
from shared.channels.whatsapp_twilio.split import split, truncate
from shared.failures import SendFailure
from shared.ids import Address, AttemptId, ProviderSid

_VALIDITY = 900
"""Seconds that Twilio may hold a part: a later answer is better not sent."""

_PAGE = 20
_SKEW = timedelta(seconds=5)
_TYPING_LIMIT = 2.0
_OK = 200
_TOO_MANY_REQUESTS = 429
_CLIENT_ERROR = 400
_SERVER_ERROR = 500


class WhatsAppTwilio:
    """The channel's sender. Made by `open_outbound`."""

    window = timedelta(hours=24)
    """Meta's customer service window. What is sent later is accepted with 201 and fails with 63016."""

    def __init__(self, http: TwilioHttp, webhook_url: str) -> None:
        self._http = http
        self._status_url = _status_url(webhook_url)

    def render(self, markdown: str, sources: Sequence[str], *, limit: int, truncated: bool) -> list[str]:
        """Return the reply in WhatsApp's markup, cut into parts, or cut off at Twilio's own limit."""
        text = render(markdown, sources)
        if truncated:
            return [text] if (text := truncate(text)) else []
        return split(text, limit)

    async def send(
        self, credentials: Credentials, *, sender: Address, to: Address, body: str, attempt: AttemptId
    ) -> Outcome:
        """Create the message once. Its status callback carries our attempt's id, which proves it was taken."""
        if not (credentials.account_sid and credentials.secret):
            return Refused(codes.BAD_CREDENTIALS, None, None)
        try:
            message = await client(self._http, credentials).messages.create_async(
                to=to,
                from_=sender,
                body=body,
                status_callback=f"{self._status_url}?attempt={attempt}",
                validity_period=_VALIDITY,
            )
        except (TwilioRestException, TwilioServiceException) as error:
            return _refused(error.status, error.code)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return Refused(codes.UNREACHABLE, None, None)
        except (aiohttp.ClientError, TimeoutError, TwilioException, *UNREADABLE) as error:
            return Unknown(type(error).__name__)
        except OSError as error:
            return Unknown(errno.errorcode.get(error.errno or 0, "OSError"))
        if not (message.sid and isinstance(message.sid, str)):
            return Unknown("answer without a sid")
        return Accepted(ProviderSid(message.sid), 201)

    async def find_sent(
        self, credentials: Credentials, *, sender: Address, to: Address, since: datetime
    ) -> list[Listed] | None:
        """List the newest messages from us to them. No date filter: a queued message has no date of sending yet."""
        try:
            page = await client(self._http, credentials).messages.page_async(to=to, from_=sender, page_size=_PAGE)
            listed = [_listed(message) for message in page if message.direction == "outbound-api"]
        except (aiohttp.ClientError, TimeoutError, TwilioException, OSError, *UNREADABLE):
            return None
        return [message for message in listed if message.created_at >= since - _SKEW]

    async def may_send(self, credentials: Credentials) -> bool:
        """Tell whether a login works, by listing one message: a key that may send may do that, too."""
        if not (credentials.account_sid and credentials.secret):
            return False
        try:
            await client(self._http, credentials).messages.page_async(page_size=1)
        except (aiohttp.ClientError, TimeoutError, TwilioException, OSError, *UNREADABLE):
            return False
        return True

    async def typing(self, credentials: Credentials, *, provider_sid: ProviderSid) -> bool:
        """Show the typing dots, for 25 s or until a message arrives."""
        if not (credentials.account_sid and credentials.secret):
            return False
        data = {"messageId": provider_sid, "channel": "whatsapp"}
        try:
            answer = await self._http.request(
                "POST",
                "https://messaging.twilio.com/v2/Indicators/Typing.json",
                data=data,
                auth=(credentials.user, credentials.secret),
                timeout=_TYPING_LIMIT,
            )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return False
        return bool(answer.status_code == _OK)

    def failure(self, code: int) -> SendFailure:
        """Return what a code in a status callback means."""
        return codes.failure(code)


@asynccontextmanager
async def open_outbound(webhook_url: str, api_base: str | None) -> AsyncIterator[WhatsAppTwilio]:
    """Hold one session for the length of the block."""
    async with open_http(api_base) as http:
        yield WhatsAppTwilio(http, webhook_url)


def _refused(told: object, code: object) -> Outcome:
    """Sort an error answer: a 429 was never processed, a 5xx may have been, the rest are Twilio's codes."""
    status = told if isinstance(told, int) else 0  # problem documents tell it themselves
    number = code if isinstance(code, int) else status
    if status >= _SERVER_ERROR:
        return Unknown("server error", status)
    if status == _TOO_MANY_REQUESTS:
        return Refused(codes.THROTTLED, number, status)
    if status < _CLIENT_ERROR:
        return Unknown("unreadable answer", status)
    return Refused(codes.failure(number), number, status)


def _listed(message: Any) -> Listed:  # noqa: ANN401 - the SDK is untyped
    """Read a listed message. Raises TypeError where it has no id or no text to be told from another by."""
    if not (isinstance(message.sid, str) and isinstance(message.body, str | None)):
        raise TypeError("not of Twilio's form")
    return Listed(
        provider_sid=ProviderSid(message.sid),
        body=message.body or "",
        status=str(message.status),
        error_code=message.error_code if isinstance(message.error_code, int) else None,
        created_at=message.date_created or datetime.now(UTC),
    )


def _status_url(webhook_url: str) -> str:
    """Return the public address of our status callbacks: the webhook's, without its fragment, and `/status`."""
    parts = urlsplit(webhook_url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path + "/status", "", ""))
