"""Asks Twilio about an account: what was sent to its numbers, and how its lines are set up; and sets them up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
from twilio.base.exceptions import TwilioException

from shared.channels.line_setup import Connection, ConnectionTest, Finding, Provisioning, Webhooks
from shared.channels.ports import Credentials, ProviderUnavailable, Received
from shared.channels.whatsapp_twilio.canary import CanaryCalls
from shared.channels.whatsapp_twilio.client import UNREADABLE, client, open_http
from shared.channels.whatsapp_twilio.copies import forget
from shared.channels.whatsapp_twilio.findings import UNREACHABLE
from shared.channels.whatsapp_twilio.http import TwilioHttp
from shared.channels.whatsapp_twilio.inbound import listed_message
from shared.channels.whatsapp_twilio.inspection import Inspection
from shared.channels.whatsapp_twilio.login import tested
from shared.channels.whatsapp_twilio.posing import open_session
from shared.channels.whatsapp_twilio.probe import probe
from shared.channels.whatsapp_twilio.probe_findings import INSECURE
from shared.channels.whatsapp_twilio.provisioning import provision, webhooks_at
from shared.channels.whatsapp_twilio.rest import TwilioRest
from shared.ids import Address, AttemptId, ProviderSid

_PAGE = 1000
"""As many as Twilio lists at once."""


@dataclass(frozen=True)
class Limits:
    """
    How long each may take, in seconds.

    `test` and `inspection`: in all; `call`: one request; `settling`: what a provisioning waits for what was accepted;
    `probe`: each of its two requests.
    """

    test: float = 10.0
    inspection: float = 20.0
    call: float = 10.0
    settling: float = 15.0
    probe: float = 10.0


class WhatsAppTwilioAccount:
    """
    The channel's account. Made by `open_account`. Its lines may be phone numbers for SMS, too.

    `local`: on one machine, where a probe may also be made without encryption.
    """

    def __init__(self, http: TwilioHttp, limits: Limits = Limits(), *, local: bool = False) -> None:
        self._http = http
        self._limits = limits
        self._local = local

    def webhooks(self, webhook_url: str, *, line: str = "", fallback_base: str | None = None) -> Webhooks:
        """Return what a line should be set to, connection overrides included."""
        return webhooks_at(webhook_url, line, fallback_base)

    async def test_connection(self, credentials: Credentials) -> ConnectionTest:
        """Read the account's name. A key that may not read it proves itself by listing a message."""
        try:
            async with asyncio.timeout(self._limits.test):
                return await tested(self._rest(credentials))
        except TimeoutError:
            return ConnectionTest(Connection.UNREACHABLE)

    async def inspect(self, credentials: Credentials, *, sender: Address, wanted: Webhooks) -> list[Finding]:
        """Look at the account, the line, what governs it, and what failed of late."""
        rest = self._rest(credentials)
        try:
            async with asyncio.timeout(self._limits.inspection):
                return await Inspection(rest, sender, wanted, datetime.now(UTC)).run()
        except TimeoutError:
            return [UNREACHABLE]

    async def provision(self, credentials: Credentials, *, sender: Address, wanted: Webhooks) -> Provisioning:
        """Set the sender's webhook, or for a bare number the number's."""
        rest = self._rest(credentials)
        return await provision(rest, sender, wanted, settles_within=self._limits.settling)

    async def probe(self, token: Credentials, *, wanted: Webhooks) -> list[Finding]:
        """Post to the webhook's address as Twilio would."""
        url = self._public(wanted.callback_url)
        if url is None:
            return [INSECURE]
        async with open_session(self._limits.probe) as session:
            return [await probe(session, url, token)]

    async def canary_writes(self, token: Credentials, *, wanted: Webhooks, to: Address, sid: ProviderSid) -> bool:
        """Post to the webhook's address as Twilio would."""
        url = self._public(wanted.callback_url)
        return url is not None and await CanaryCalls(token, self._limits.probe).write(url, to=to, sid=sid)

    async def canary_hears(
        self, token: Credentials, *, wanted: Webhooks, sender: Address, sid: ProviderSid, attempt: AttemptId
    ) -> bool:
        """Post to the status callback's address as Twilio would."""
        url, calls = self._public(wanted.status_callback_url), CanaryCalls(token, self._limits.probe)
        return url is not None and await calls.report(url, sender=sender, sid=sid, attempt=attempt)

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

    async def forget(self, credentials: Credentials, *, provider_sid: ProviderSid) -> None:
        """Delete the media, then the message."""
        await forget(self._rest(credentials), provider_sid)

    def _public(self, address: str | None) -> str | None:
        """Return an address to call, without its fragment; None for one that is not encrypted and not of this machine."""
        url = (address or "").partition("#")[0]
        return url if url.startswith("https://") or self._local else None

    def _rest(self, credentials: Credentials) -> TwilioRest:
        return TwilioRest(self._http, credentials, self._limits.call)


@asynccontextmanager
async def open_account(api_base: str | None, *, local: bool = False) -> AsyncIterator[WhatsAppTwilioAccount]:
    """Hold one session for the length of the block."""
    async with open_http(api_base) as http:
        yield WhatsAppTwilioAccount(http, local=local)


def _received(record: Any) -> Received | None:  # noqa: ANN401 - the SDK is untyped
    """Read a listed message; None for one of ours, or of a form that we would not take as a webhook either."""
    at = record.date_sent or record.date_created
    if record.direction != "inbound" or at is None:
        return None
    message = listed_message(
        sid=str(record.sid), sender=record.from_, to=record.to, text=record.body or "", num_media=record.num_media
    )
    return Received(message, at.astimezone(UTC)) if message else None
