"""The simulated world: accounts, their messages, the phones, and what happens between them."""

import asyncio
import json
import time
from base64 import b64decode
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal

import httpx2

from dev.simulator.accounts import Accounts
from dev.simulator.alerts import Alert
from dev.simulator.faults import CALLBACK, OUTCOME, Fault, Faults
from dev.simulator.lines import Target, target
from dev.simulator.messages import API_VERSION, Message, is_too_long, new_sid
from dev.simulator.news import News
from dev.simulator.people import People
from dev.simulator.phones import Phones, Shown, address_of, user_id_of
from dev.simulator.sandbox import Sandbox
from dev.simulator.settings import SimulatorSettings
from dev.simulator.twiml import Said
from dev.simulator.webhooks import Delivered, Request, Webhooks
from dev.simulator.wire import Wire

_PLACES = {"sent": 0.05, "delivered": 0.15, "read": 0.4}
"""Seconds after which a message reaches each stage."""

_ENDS = {"undelivered": {"sent": 0.05, "undelivered": 0.15}, "failed": {"failed": 0.05}}
"""Likewise for messages that do not arrive: what failed never left."""

_TAKEN = 200

_WINDOW = timedelta(hours=24)
"""How long after a person's last message they may be written to freely."""

_WINDOW_CLOSED, _ANSWER_TOO_LONG = 63016, 14103
_ANSWER = "outbound-reply"

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
    about: str | None = None
    reply_to: str | None = None
    path: str = ""
    ago: float = 0.0
    fields: dict[str, str] = field(default_factory=dict)


class NoModel(ValueError):
    """No scripted model does as it is told."""


class World:
    """Everything that the simulator knows."""

    def __init__(self, settings: SimulatorSettings, client: httpx2.AsyncClient) -> None:
        self.settings = settings
        self._client = client
        self._tasks: set[asyncio.Task[None]] = set()
        self.news = News()
        self.phones = Phones(self.news)
        self.pace = 1.0
        """What the seconds of every stage are multiplied with."""
        self._begin(None)

    async def reset(self, seed: int | None = None) -> None:
        """Forget everything, and tell whoever waits. `seed`: of what happens by chance from now on."""
        await self.close()
        self._begin(seed)
        self.phones.forget()

    def _begin(self, seed: int | None) -> None:
        self.began = time.time()
        self.messages: dict[str, Message] = {}
        self.chance = Random(seed)
        self.faults = Faults(self.news, self.chance)
        self.wire = Wire(self.news)
        self.people = People()
        self.transcript: list[tuple[float, dict[str, Any]]] = []
        """What was asked of phones to write, and when."""
        self._heard: dict[tuple[str, str], datetime] = {}
        self.mend()

    def mend(self) -> None:
        """Make every account and Twilio itself as they were at start; messages, phones and the wire log stay."""
        self.accounts = Accounts(self.settings)
        self.seeded: list[str] = []
        """The conditions that were seeded since."""
        self.trouble: Trouble | None = None
        self.clock_skew = 0.0
        """Seconds that Twilio's clock is ahead of ours."""
        self.sandbox = Sandbox()
        self.agent_is_slow = False
        self.templates_end = "approved"
        """How approvals of templates end."""
        self.webhooks = Webhooks(self.settings, self.accounts, self.wire, self.faults, self._client)
        self.news.tell()

    def now(self) -> datetime:
        """Return the time by Twilio's clock."""
        return datetime.now(UTC) + timedelta(seconds=self.clock_skew)

    async def write(self, text: Text) -> tuple[str, Delivered]:
        """Write a message on a phone and let Twilio deliver it."""
        known = self.messages.get(text.sid or "")
        if known is None:
            message = self._inbound(text)
            bubble: Shown | None = self._shown(message, text)
        else:
            message, bubble = known, None
        began = time.monotonic()
        delivered = self._answered_by_twilio(message) or await self._deliver(message, text)
        if bubble is not None:
            bubble.http_status = delivered.status or 0
            bubble.took = round((time.monotonic() - began) * 1000)
            self.phones.mark(text.sender, message.sid, "delivered" if delivered.status == _TAKEN else "failed")
        self._say(message, delivered.said)
        if delivered.fallback is not None:
            self.soon(self._fall_back(message, delivered.fallback, bubble))
        return message.sid, delivered

    async def _fall_back(self, message: Message, fallback: Request, bubble: Shown | None) -> None:
        """Request the fallback; a message that is taken there has been delivered."""
        delivered = await self.webhooks.fall_back(fallback)
        self._say(message, delivered.said)
        if bubble is not None and delivered.status == _TAKEN:
            bubble.http_status = delivered.status
            self.phones.revive(bubble)

    def _say(self, message: Message, said: Sequence[Said]) -> None:
        """Send what a webhook's answer says: what is too long is only written down."""
        account = self.accounts.owner_of(message.to)
        for one in said:
            if is_too_long(one.body):
                account.alerts.append(Alert(_ANSWER_TOO_LONG, self.settings.webhook_url, _TAKEN, message.sid))
                continue
            to = address_of(one.to) if one.to else message.sender
            answer = Message(account.sid, _ANSWER, message.to, to, one.body, "queued")
            answer.created, answer.status_callback = self.now(), one.status_callback
            self.accept(answer)

    async def burst(self, texts: Sequence[Text], seconds: float) -> None:
        """Write several messages spread over so many seconds, whatever becomes of those before."""
        for text in texts:
            self.soon(self.write_quietly(text))
            await asyncio.sleep(seconds / len(texts))

    async def write_quietly(self, text: Text) -> None:
        """Write a message for whoever does not want to know what became of it."""
        await self.write(text)

    def _shown(self, message: Message, text: Text) -> Shown:
        place = ", ".join(str(value) for value in (text.location or {}).values())
        about = text.about or (f"Location: {place}" if place else None)
        beside = {"media": text.media, "about": about, "reply_to": text.reply_to}
        return self.phones.show(text.sender, message, "out", **beside)

    def _answered_by_twilio(self, message: Message) -> Delivered | None:
        """Let the sandbox answer what it keeps to itself."""
        answer = self.sandbox.answer(message.sender, message.body, self.now())
        if answer is None:
            return None
        said = Message(message.account_sid, _ANSWER, message.to, message.sender, answer, "delivered")
        self.phones.show(message.sender, said, "in", about="Twilio's sandbox")
        return Delivered(200, 0)

    async def _deliver(self, message: Message, text: Text) -> Delivered:
        """Post to whoever is told of messages to this line; to nobody where no address is set."""
        told = self._target(message.to, text.path)
        if told is None:
            return Delivered(None, 0)
        return await self.webhooks.tell(told, self._form(message, text), person=text.sender, sid=message.sid)

    def _target(self, to: str, path: str) -> Target | None:
        account = self.accounts.owner_of(to)
        if account.line(to):
            return account.inbound(to, path)
        return target(self.settings.webhook_url, "POST", None, "POST", path)

    def accept(self, message: Message, told: frozenset[str] = frozenset()) -> None:
        """Take a message from the gateway; it reaches the phone and is reported in its own time, except what was `told`."""
        self.messages[message.sid] = message
        outcome = self.faults.take(OUTCOME, message.to) or self._barred(message)
        reports = self.faults.take(CALLBACK, message.to)
        self.soon(self._live(message, outcome, reports, told))

    def _barred(self, message: Message) -> Fault | None:
        """Say why WhatsApp does not take a message: the sandbox's rules, or no word from the person within 24 hours."""
        now, heard = self.now(), self._heard.get((message.to, message.sender))
        if code := self.sandbox.refuses(message.sender, message.to, now):
            return Fault(kind="undelivered", code=code)
        is_open = heard is not None and now - heard <= _WINDOW
        return None if is_open else Fault(kind="undelivered", code=_WINDOW_CLOSED)

    def hear(self, person: str, line: str, at: datetime) -> None:
        """Note that a person wrote to a line: for 24 hours from then on the line may write to them."""
        self._heard[person, line] = max(at, self._heard.get((person, line), at))

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

    async def ask_model(self, path: str, order: Mapping[str, object] | None = None) -> None:
        """Order something of the scripted model. Raises NoModel where there is none."""
        if self.settings.model_url is None:
            raise NoModel("There is no scripted model here that could be slow")
        try:
            (await self._client.post(self.settings.model_url + path, json=dict(order or {}))).raise_for_status()
        except httpx2.HTTPError:
            raise NoModel(f"The scripted model does not answer at {self.settings.model_url}") from None

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
            self._reach(message, status, outcome)
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

    def _reach(self, message: Message, status: str, outcome: Fault | None) -> None:
        message.status = status
        message.updated = self.now()
        if outcome is not None and status == outcome.kind:
            message.error_code = outcome.code
        if status == "sent":
            message.sent = self.now()
            if outcome is None:
                about = "Said by the webhook's answer" if message.direction == _ANSWER else None
                self.phones.show(message.to, message, "in", about=about)
        else:
            self.phones.mark(message.to, message.sid, status)

    def _inbound(self, text: Text) -> Message:
        at = self.now() - timedelta(seconds=text.ago)
        to = text.to or self.settings.sender
        self.hear(text.sender, to, at)
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
        quoted = self.messages.get(text.reply_to or "")
        if quoted is not None:
            form |= {"OriginalRepliedMessageSid": quoted.sid, "OriginalRepliedMessageSender": quoted.sender}
        return form | text.fields


def _message_type(text: Text) -> str:
    if text.media:
        return _MESSAGE_TYPES.get(text.media.partition("/")[0], "document")
    return "location" if text.location else "text"
