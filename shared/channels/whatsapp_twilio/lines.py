"""
A line as Twilio keeps it: a WhatsApp sender of Messaging v2, or a phone number of the API of 2010.

A number's addresses govern SMS only; WhatsApp's stand at the sender.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from shared.channels.line_setup import Webhooks
from shared.channels.whatsapp_twilio.rest import MESSAGING, Record, TwilioRest
from shared.ids import Address

WHATSAPP: Final = "whatsapp:"
UPDATING = "ONLINE:UPDATING"

_SENDERS = f"{MESSAGING}/v2/Channels/Senders"


@dataclass(frozen=True)
class Line:
    """
    What Twilio says of a line.

    `status` and `quality` are a sender's; `reasons`: why it is offline; `has_sms` is a number's.
    """

    sid: str
    webhooks: Webhooks
    status: str = "ONLINE"
    quality: str = ""
    reasons: tuple[str, ...] = ()
    has_sms: bool = True


class LineResource(Protocol):
    """How one kind of line is found, read and changed. Each raises NotAnswered."""

    async def find(self, rest: TwilioRest, sender: Address) -> Line | None:
        """Return the account's own line with this address."""

    async def read(self, rest: TwilioRest, sid: str) -> Line:
        """Read it again."""

    async def update(self, rest: TwilioRest, sid: str, wanted: Webhooks) -> None:
        """Ask for other webhooks."""


def resource_of(sender: Address) -> LineResource:
    """Return what keeps a line with this address."""
    return SenderResource() if sender.startswith(WHATSAPP) else NumberResource()


class _Hook(Record):
    callback_url: str | None = None
    callback_method: str | None = None
    fallback_url: str | None = None
    fallback_method: str | None = None
    status_callback_url: str | None = None
    status_callback_method: str | None = None


class _Properties(Record):
    quality_rating: str | None = None


class _Reason(Record):
    code: str | int | None = None
    message: str | None = None


class _Sender(Record):
    sid: str
    sender_id: str
    status: str
    webhook: _Hook | None = None
    properties: _Properties | None = None
    offline_reasons: tuple[_Reason, ...] | None = None

    def line(self) -> Line:
        told = self.webhook or _Hook()
        return Line(
            sid=self.sid,
            webhooks=_webhooks(
                (told.callback_url, told.callback_method),
                (told.fallback_url, told.fallback_method),
                (told.status_callback_url, told.status_callback_method),
            ),
            status=self.status,
            quality=(self.properties and self.properties.quality_rating) or "",
            reasons=tuple(f"{it.message or 'no reason'} ({it.code})" for it in self.offline_reasons or ()),
        )


class SenderResource:
    """WhatsApp senders. An update is JSON, answered 202, and settles later."""

    async def find(self, rest: TwilioRest, sender: Address) -> Line | None:
        """List the account's senders until it comes."""
        async for found in rest.each(_Sender, "senders", _SENDERS, {"Channel": "whatsapp"}):
            if found.sender_id == sender:
                return found.line()
        return None

    async def read(self, rest: TwilioRest, sid: str) -> Line:
        """Fetch it."""
        return (await rest.get(_Sender, f"{_SENDERS}/{sid}")).line()

    async def update(self, rest: TwilioRest, sid: str, wanted: Webhooks) -> None:
        """Send every part, so that none is left as it was; an empty address clears one."""
        webhook = {
            "callback_url": wanted.callback_url or "",
            "callback_method": wanted.callback_method,
            "fallback_url": wanted.fallback_url or "",
            "fallback_method": wanted.fallback_method,
            "status_callback_url": wanted.status_callback_url or "",
            "status_callback_method": wanted.status_callback_method,
        }
        await rest.post_json(f"{_SENDERS}/{sid}", {"webhook": webhook})


class _Capabilities(Record):
    sms: bool = False


class _Number(Record):
    sid: str
    account_sid: str
    phone_number: str
    capabilities: _Capabilities | None = None
    sms_url: str | None = None
    sms_method: str | None = None
    sms_fallback_url: str | None = None
    sms_fallback_method: str | None = None
    status_callback: str | None = None
    status_callback_method: str | None = None
    sms_application_sid: str | None = None

    def line(self) -> Line:
        webhooks = _webhooks(
            (self.sms_url, self.sms_method),
            (self.sms_fallback_url, self.sms_fallback_method),
            (self.status_callback, self.status_callback_method),
            self.sms_application_sid or None,
        )
        return Line(self.sid, webhooks, has_sms=self.capabilities is None or self.capabilities.sms)


class NumberResource:
    """Phone numbers, for SMS."""

    async def find(self, rest: TwilioRest, sender: Address) -> Line | None:
        """Ask for it by its number."""
        found = await find_number(rest, sender, rest.account_sid)
        return found.line() if found else None

    async def read(self, rest: TwilioRest, sid: str) -> Line:
        """Fetch it."""
        return (await rest.get(_Number, rest.account_url(f"/IncomingPhoneNumbers/{sid}"))).line()

    async def update(self, rest: TwilioRest, sid: str, wanted: Webhooks) -> None:
        """Send every part; an empty word clears one."""
        form: Mapping[str, str] = {
            "SmsUrl": wanted.callback_url or "",
            "SmsMethod": wanted.callback_method,
            "SmsFallbackUrl": wanted.fallback_url or "",
            "SmsFallbackMethod": wanted.fallback_method,
            "StatusCallback": wanted.status_callback_url or "",
            "StatusCallbackMethod": wanted.status_callback_method,
            "SmsApplicationSid": wanted.application_sid or "",
        }
        await rest.post_form(rest.account_url(f"/IncomingPhoneNumbers/{sid}"), form)


async def find_number(rest: TwilioRest, number: str, account: str) -> _Number | None:
    """Return an account's own phone number. Raises NotAnswered."""
    url = rest.account_url("/IncomingPhoneNumbers", account)
    async for found in rest.each(_Number, "incoming_phone_numbers", url, {"PhoneNumber": number}):
        if found.phone_number == number and found.account_sid == account:
            return found
    return None


def _webhooks(
    callback: tuple[str | None, str | None],
    fallback: tuple[str | None, str | None],
    status: tuple[str | None, str | None],
    application_sid: str | None = None,
) -> Webhooks:
    """Return webhooks in one form: no address is None, and then its method is the usual one."""
    return Webhooks(
        callback_url=callback[0] or None,
        fallback_url=fallback[0] or None,
        status_callback_url=status[0] or None,
        callback_method=_method(*callback),
        fallback_method=_method(*fallback),
        status_callback_method=_method(*status),
        application_sid=application_sid,
    )


def _method(url: str | None, method: str | None) -> str:
    return method or "POST" if url else "POST"
