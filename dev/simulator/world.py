"""The simulated world: accounts, their messages, the phones, and what happens between them."""

import asyncio
import json
from base64 import b64decode
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import httpx2

from dev.simulator.accounts import Accounts
from dev.simulator.faults import CALLBACK, OUTCOME, Fault, Faults
from dev.simulator.messages import API_VERSION, Message, new_sid
from dev.simulator.phones import Phones, user_id_of
from dev.simulator.settings import SimulatorSettings
from dev.simulator.webhooks import Delivered, Webhooks
from dev.simulator.wire import Wire

_PLACES = {"sent": 0.05, "delivered": 0.15, "read": 0.4}
"""Seconds after which a message reaches each stage."""

_ENDS = {"undelivered": {"sent": 0.05, "undelivered": 0.15}, "failed": {"failed": 0.05}}
"""Likewise for messages that do not arrive: what failed never left."""

_CALLBACK_FIELDS = {"delivered": "DELIVERED", "read": "READ", "undelivered": "UNDELIVERED"}


Trouble = Literal["rate_limited", "server_error", "network_down", "network_hang"]
"""What may be wrong with all of Twilio at once."""


PICTURE = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNgAAAAAgAB5Sfe/AAAAABJRU5ErkJggg==")
"""One dot: what is sent where nobody says what."""

_MESSAGE_TYPES = {"image": "image", "audio": "audio", "video": "video"}


@dataclass
class Text:
    """What somebody writes on a phone."""

    sender: str
    body: str = ""
    to: str | None = None
    sid: str | None = None
    profile_name: str = "Sim Phone"
    media: str | None = None
    content: bytes = PICTURE
    location: Mapping[str, object] | None = None
    path: str = ""
    ago: float = 0.0
    fields: dict[str, str] = field(default_factory=dict)


class World:
    """Everything that the simulator knows."""

    def __init__(self, settings: SimulatorSettings, client: httpx2.AsyncClient) -> None:
        self.settings = settings
        self._client = client
        self._tasks: set[asyncio.Task[None]] = set()
        self.phones = Phones()
        self.pace = 1.0
        """What the seconds of every stage are multiplied with."""
        self._begin()

    async def reset(self) -> None:
        """Forget everything, and tell whoever waits."""
        for task in self._tasks:
            task.cancel()
        self._begin()
        await self.phones.forget()

    def _begin(self) -> None:
        self.messages: dict[str, Message] = {}
        self.faults = Faults()
        self.wire = Wire()
        self.mend()

    def mend(self) -> None:
        """Make every account and Twilio itself as they were at start; messages, phones and the wire log stay."""
        self.accounts = Accounts(self.settings)
        self.trouble: Trouble | None = None
        self.clock_skew = 0.0
        """Seconds that Twilio's clock is ahead of ours."""
        self.templates_end = "approved"
        """How approvals of templates end."""
        self.webhooks = Webhooks(self.settings, self.accounts, self.wire, self.faults, self._client)

    async def write(self, text: Text) -> tuple[str, Delivered]:
        """Write a message on a phone and let Twilio deliver it."""
        known = self.messages.get(text.sid or "")
        if known is None:
            message = self._inbound(text)
            bubble = await self.phones.show(text.sender, message, "out", text.media)
        else:
            message, bubble = known, None
        delivered = await self._deliver(message, text)
        if bubble is not None:
            bubble.http_status = delivered.status or 0
            await self.phones.mark(text.sender, message.sid, "delivered" if delivered.status == 200 else "failed")  # noqa: PLR2004
        return message.sid, delivered

    async def _deliver(self, message: Message, text: Text) -> Delivered:
        """Post to whoever is told of messages to this line; to nobody where no address is set."""
        configured = self._inbound_url(message.to)
        if configured is None:
            return Delivered(None, 0)
        url, mark, fragment = configured.partition("#")
        return await self.webhooks.post(
            "inbound", url + text.path + mark + fragment, self._form(message, text), person=text.sender, sid=message.sid
        )

    def _inbound_url(self, to: str) -> str | None:
        account = self.accounts.owner_of(to)
        return account.inbound_url(to) if account.line(to) else self.settings.webhook_url

    def accept(self, message: Message, told: frozenset[str] = frozenset()) -> None:
        """Take a message from the gateway; it reaches the phone and is reported in its own time, except what was `told`."""
        self.messages[message.sid] = message
        outcome = self.faults.take(OUTCOME, message.to)
        reports = self.faults.take(CALLBACK, message.to)
        self.soon(self._live(message, outcome, reports, told))

    async def report(self, message: Message, status: str) -> None:
        """Send one status callback."""
        if message.status_callback is None:
            return
        form = {
            "AccountSid": message.account_sid,
            "ApiVersion": API_VERSION,
            "ChannelInstallSid": "XE" + "0" * 32,
            "ChannelPrefix": "whatsapp",
            "ChannelToAddress": message.to,
            "From": message.sender,
            "MessageSid": message.sid,
            "MessageStatus": status,
            "SmsSid": message.sid,
            "SmsStatus": status,
            "To": message.to,
        }
        if status in _CALLBACK_FIELDS:
            form["EventType"] = _CALLBACK_FIELDS[status]
        if status == "sent":
            form["StructuredMessage"] = "false"
        if message.error_code is not None:
            form["ErrorCode"] = str(message.error_code)
        await self.webhooks.post("status", message.status_callback, form, person=message.to, sid=message.sid)

    def soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Let something happen in the background."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End what still happens."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _live(self, message: Message, outcome: Fault | None, reports: Fault | None, told: frozenset[str]) -> None:
        """Let a message pass its stages."""
        stages = _PLACES if outcome is None else _ENDS[outcome.kind]
        waiting: list[str] = []
        before = 0.0
        for status, at in stages.items():
            await asyncio.sleep((at - before) * self.pace)
            before = at
            await self._reach(message, status, outcome)
            if reports is not None:
                waiting.append(status)
            elif status not in told:
                await self.report(message, status)
        if reports is not None:
            await self._odd_reports(message, waiting, reports)

    async def _odd_reports(self, message: Message, statuses: list[str], fault: Fault) -> None:
        match fault.kind:
            case "callback_lost":
                return
            case "callback_late":
                await asyncio.sleep(fault.seconds)
            case "callback_reordered":
                statuses = [*reversed(statuses)]
            case "callback_duplicated":
                statuses = [status for status in statuses for _ in range(2)]
        for status in statuses:
            await self.report(message, status)

    async def _reach(self, message: Message, status: str, outcome: Fault | None) -> None:
        message.status = status
        message.updated = datetime.now(UTC)
        if outcome is not None and status == outcome.kind:
            message.error_code = outcome.code
        if status == "sent":
            message.sent = datetime.now(UTC)
            if outcome is None:
                await self.phones.show(message.to, message, "in")
        else:
            await self.phones.mark(message.to, message.sid, status)

    def _inbound(self, text: Text) -> Message:
        at = datetime.now(UTC) - timedelta(seconds=text.ago)
        to = text.to or self.settings.sender
        message = Message(
            account_sid=self.accounts.owner_of(to).sid,
            direction="inbound",
            sender=text.sender,
            to=to,
            body=text.body,
            status="received",
            sid=text.sid or new_sid("MM" if text.media else "SM"),
            num_media=1 if text.media else 0,
            media_type=text.media,
            content=text.content if text.media else b"",
            created=at,
            sent=at,
        )
        self.messages[message.sid] = message
        return message

    def _form(self, message: Message, text: Text) -> dict[str, str]:
        """Return the webhook's fields, as requests of 2026 carry them."""
        number = text.sender.removeprefix("whatsapp:+") if "+" in text.sender else ""
        about = {"ProfileName": text.profile_name} | ({"WaId": number} if number else {})
        form = {
            "AccountSid": message.account_sid,
            "ApiVersion": API_VERSION,
            "Body": message.body,
            "ChannelMetadata": json.dumps({"type": "whatsapp", "data": {"context": about}}),
            "ExternalUserId": user_id_of(text.sender),
            "From": message.sender,
            "MessageSid": message.sid,
            "MessageType": _message_type(text),
            "NumMedia": str(message.num_media),
            "NumSegments": "1",
            "ReferralNumMedia": "0",
            "SmsMessageSid": message.sid,
            "SmsSid": message.sid,
            "SmsStatus": "received",
            "To": message.to,
            **about,
        }
        if text.media:
            path = f"/{API_VERSION}/Accounts/{message.account_sid}/Messages/{message.sid}/Media/ME{message.sid[2:]}"
            form |= {"MediaContentType0": text.media, "MediaUrl0": f"https://api.twilio.com{path}"}
        if text.location:
            form |= {name.capitalize(): str(value) for name, value in text.location.items()}
        return form | text.fields


def _message_type(text: Text) -> str:
    if text.media:
        return _MESSAGE_TYPES.get(text.media.partition("/")[0], "document")
    return "location" if text.location else "text"
