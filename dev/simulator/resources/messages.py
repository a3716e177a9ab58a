"""Messages and the typing indicator, with Twilio's own checks."""

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from starlette.responses import JSONResponse, Response

from dev.simulator.accounts import Account
from dev.simulator.answers import Call, Dropped, Operation, Refusal, is_url, not_found, page_of_2010
from dev.simulator.faults import CREATE, LATENCY, Fault
from dev.simulator.lines import Sender
from dev.simulator.messages import API_VERSION, Message, is_too_long
from dev.simulator.world import World
from shared.addresses import PERSON

_UNDER_WAY = {"queued", "accepted", "sending"}
_MESSAGE_ID = re.compile(r"(SM|MM)[0-9a-fA-F]{32}", re.ASCII)
_BASE = f"/{API_VERSION}/Accounts/{{account}}"


class Messages:
    """The resource."""

    def __init__(self, world: World) -> None:
        self._world = world

    def operations(self) -> list[Operation]:
        """Return what can be called."""
        return [
            Operation("POST", f"{_BASE}/Messages.json", "message.create", "messages", self._create),
            Operation("GET", f"{_BASE}/Messages.json", "message.list", "messages", self._list),
            Operation("GET", f"{_BASE}/Messages/{{sid}}.json", "message.fetch", "messages", self._fetch),
            Operation("DELETE", f"{_BASE}/Messages/{{sid}}.json", "message.delete", "messages", self._delete),
            Operation("GET", f"{_BASE}/Messages/{{sid}}/Media.json", "media.list", "messages", self._media),
            Operation("GET", f"{_BASE}/Messages/{{sid}}/Media/{{media}}", "media.fetch", "messages", self._fetch_media),
            Operation(
                "DELETE", f"{_BASE}/Messages/{{sid}}/Media/{{media}}.json", "media.delete", "messages", self._drop_media
            ),
            Operation("POST", "/v2/Indicators/Typing.json", "typing", "messages", self._typing),
        ]

    async def _create(self, call: Call) -> Response:
        to = call.form.get("To", "")
        slow = self._world.faults.take(LATENCY, to)
        fault = self._world.faults.take(CREATE, to)
        if slow is not None:
            call.entry.fault = slow.kind
            await asyncio.sleep(slow.seconds + slow.jitter * self._world.chance.random())
        if fault is not None:
            call.entry.fault = fault.kind
            _before(fault)
        message = _checked(call.account, call.form, self._world.now())
        call.entry.message_sid = message.sid
        callback = call.form.get("StatusCallback", "")
        call.entry.attempt = parse_qs(urlsplit(callback).query).get("attempt", [None])[0]
        told: frozenset[str] = frozenset()
        if self._world.faults.take(("callback_before_201",), message.to):
            told = frozenset({"sent"})
            await self._world.report(message, "sent")
        self._world.accept(message, told)
        if fault is not None:
            await _after(fault)
        return JSONResponse(message.record() | {"status": "queued"}, 201)

    async def _fetch(self, call: Call) -> Response:
        return JSONResponse(self._named(call).record())

    async def _delete(self, call: Call) -> Response:
        message = self._named(call)
        if message.status in _UNDER_WAY:
            raise Refusal(409, 20009, "Cannot delete this resource before it has completed")
        call.entry.message_sid = message.sid
        del self._world.messages[message.sid]
        return Response(status_code=204)

    async def _media(self, call: Call) -> Response:
        return page_of_2010(call, "media_list", self._named(call).media(), dict)

    async def _fetch_media(self, call: Call) -> Response:
        """Redirect to where the file lies."""
        message = self._named(call)
        if call.part("media") not in {media["sid"] for media in message.media()}:
            raise not_found()
        call.entry.message_sid = message.sid
        return Response(status_code=307, headers={"Location": f"/sim/cdn/{message.sid}"})

    async def _drop_media(self, call: Call) -> Response:
        message = self._named(call)
        if call.part("media") not in {media["sid"] for media in message.media()}:
            raise not_found()
        call.entry.message_sid = message.sid
        message.media_type = None
        return Response(status_code=204)

    def _named(self, call: Call) -> Message:
        message = self._world.messages.get(call.part("sid"))
        if message is None or message.account_sid != call.account.sid:
            raise not_found()
        return message

    async def _list(self, call: Call) -> Response:
        """List the newest first, filtered and by pages."""
        told = call.query
        to = told.get("To", "")
        if fault := self._world.faults.take(("list_500",), to):
            call.entry.fault = fault.kind
            raise Refusal(500, 20500, "Internal server error")
        lag = self._world.faults.take(("list_lag",), to)
        newest = self._world.now() - timedelta(seconds=lag.seconds if lag else 0)
        found = [
            message
            for message in reversed(self._world.messages.values())
            if message.account_sid == call.account.sid
            and (not to or message.to == to)
            and (not told.get("From") or message.sender == told["From"])
            and message.created <= newest
            and _sent_within(message, told)
        ]
        return page_of_2010(call, "messages", found, Message.record)

    async def _typing(self, call: Call) -> Response:
        sid = call.form.get("messageId", "")
        message = self._world.messages.get(sid)
        if not _MESSAGE_ID.fullmatch(sid) or call.form.get("channel") != "whatsapp":
            raise Refusal(400, 20001, "messageId or channel is invalid")
        if message is None or message.direction != "inbound" or message.account_sid != call.account.sid:
            raise not_found()
        call.entry.message_sid = sid
        self._world.phones.mark(message.sender, sid, "read")
        self._world.phones.type(message.sender)
        return JSONResponse({"success": True})


def _checked(account: Account, form: Mapping[str, str], at: datetime) -> Message:
    """Return the message, or refuse it as Twilio would."""
    to, sender, body = form.get("To", ""), form.get("From", ""), form.get("Body", "")
    if not to:
        raise Refusal(400, 21604, "A 'To' phone number is required.")
    if not PERSON.fullmatch(to):
        raise Refusal(400, 21211, "Invalid 'To' Phone Number")
    if not isinstance(account.line(sender), Sender):
        raise Refusal(400, 63007, "Twilio could not find a Channel with the specified From address")
    if not body:
        raise Refusal(400, 21602, "Message body is required.")
    if is_too_long(body):
        raise Refusal(400, 21617, "The concatenated message body exceeds the 1600 character limit")
    callback = form.get("StatusCallback")
    if callback and not is_url(callback):
        raise Refusal(400, 21609, "The 'StatusCallback' URL is not a valid URL.")
    return Message(
        account_sid=account.sid,
        direction="outbound-api",
        sender=sender,
        to=to,
        body=body,
        status="queued",
        created=at,
        status_callback=callback or None,
    )


def _before(fault: Fault) -> None:
    """Do what a fault does before the message is accepted."""
    match fault.kind:
        case "429":
            raise Refusal(429, 20429, "Too Many Requests")
        case "401":
            raise Refusal(401, 20003, "Authenticate")
        case "500_before":
            raise Refusal(500, 20500, "Internal server error")
        case "error":
            raise Refusal(fault.status, fault.code, "The order was to refuse this")
        case "drop_before":
            raise Dropped


async def _after(fault: Fault) -> None:
    """Do what a fault does once the message is accepted."""
    match fault.kind:
        case "500_after":
            raise Refusal(500, 20500, "Internal server error")
        case "drop_after":
            raise Dropped
        case "hang":
            await asyncio.sleep(fault.seconds)


def _sent_within(message: Message, told: Mapping[str, str]) -> bool:
    """Apply the filters on the day of sending; a message that was not sent yet passes none of them."""
    for name, value in told.items():
        if not name.startswith("DateSent"):
            continue
        if message.sent is None:
            return False
        at = message.sent.strftime("%Y-%m-%dT%H:%M:%SZ")[: len(value)]
        fits = {"DateSent": at == value, "DateSent<": at <= value, "DateSent>": at >= value}
        if not fits.get(name, True):
            return False
    return True
