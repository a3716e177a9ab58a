"""The adapter, before a provider of our own and before the simulator."""

from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from shared.channels.ports import Credentials, Outcome
from shared.channels.whatsapp_twilio.account import Limits, WhatsAppTwilioAccount
from shared.channels.whatsapp_twilio.http import TwilioHttp
from shared.channels.whatsapp_twilio.outbound import WhatsAppTwilio
from shared.ids import AccountSid, Address, AttemptId
from tests.conformance.provider import Provider, providing

WEBHOOK_URL = "https://gateway.example.org/api/webhooks/twilio#rc=5&rp=5xx,ct,rt"

TOKEN = "c0ffee" + "1" * 26
CREDENTIALS = Credentials(AccountSid("AC" + "a" * 32), TOKEN)
SENDER, PERSON = Address("whatsapp:+14155238886"), Address("whatsapp:+15550001234")
SID = "SM" + "b" * 32

OpenChannel = Callable[..., WhatsAppTwilio]


async def sends(channel: WhatsAppTwilio, body: str = "Hello", credentials: Credentials = CREDENTIALS) -> Outcome:
    return await channel.send(credentials, sender=SENDER, to=PERSON, body=body, attempt=AttemptId("at_1"))


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with providing() as listening:
        yield listening


@pytest.fixture
async def open_channel(provider: Provider) -> AsyncIterator[OpenChannel]:
    """Make a channel before the provider, or before another address, with limits of its own."""
    async with aiohttp.ClientSession() as session:

        def made(url: str | None = None, **limits: float) -> WhatsAppTwilio:
            return WhatsAppTwilio(TwilioHttp(session, url or provider.url, **limits), WEBHOOK_URL)

        yield made


@pytest.fixture
def channel(open_channel: OpenChannel) -> WhatsAppTwilio:
    return open_channel()


@pytest.fixture
async def account(provider: Provider) -> AsyncIterator[WhatsAppTwilioAccount]:
    async with aiohttp.ClientSession() as session:
        http = TwilioHttp(session, provider.url)
        yield WhatsAppTwilioAccount(http, Limits(test=0.5, inspection=0.5, call=0.5, settling=0.1))
