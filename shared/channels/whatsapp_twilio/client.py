"""Twilio's SDK on our own HTTP client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from twilio.base.exceptions import TwilioException
from twilio.rest import Client

from shared.channels.ports import Credentials
from shared.channels.whatsapp_twilio.http import TwilioHttp

_NO_ENVIRONMENT = {"TWILIO": "off"}
"""The SDK falls back to the process's own Twilio variables where this is empty: another tenant's account."""

UNREADABLE = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What the SDK and we stumble over where an answer is not of Twilio's form."""


def client(http: TwilioHttp, credentials: Credentials) -> Client:
    """Return the SDK's client for these credentials. Raises TwilioException where there are none."""
    if not (credentials.account_sid and credentials.secret):
        raise TwilioException("no credentials")
    return Client(
        credentials.user, credentials.secret, credentials.account_sid, http_client=http, environment=_NO_ENVIRONMENT
    )


@asynccontextmanager
async def open_http(api_base: str | None) -> AsyncIterator[TwilioHttp]:
    """Hold one session for the length of the block."""
    async with aiohttp.ClientSession(trust_env=False, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield TwilioHttp(session, api_base)
