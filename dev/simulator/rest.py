"""Twilio's REST API, as much of it as the gateway uses, with the same checks and error envelope."""

import asyncio
import base64
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dev.simulator.faults import CREATE, Fault
from dev.simulator.messages import API_VERSION, Message
from dev.simulator.wire import Entry
from dev.simulator.world import World
from shared.addresses import PERSON

_MOST_UNITS = 1600
_MESSAGE_ID = re.compile(r"(SM|MM)[0-9a-fA-F]{32}", re.ASCII)
_MOST_ON_A_PAGE = 1000
_ACCOUNT = f"/{API_VERSION}/Accounts/{{account}}"
_DOCS = "https://www.twilio.com/docs/errors/"


class Refusal(Exception):
    """An error answer in Twilio's envelope."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.answer = JSONResponse(
            {"code": code, "message": message, "more_info": f"{_DOCS}{code}", "status": status}, status
        )


class Dropped(Exception):
    """The connection ends without an answer."""


class TwilioApi:
    """The routes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.routes = [
            Route(f"{_ACCOUNT}.json", self._route("account.fetch", self._account), methods=["GET"]),
            Route(f"{_ACCOUNT}/Messages.json", self._route("message.create", self._create), methods=["POST"]),
            Route(f"{_ACCOUNT}/Messages.json", self._route("message.list", self._list), methods=["GET"]),
            Route(f"{_ACCOUNT}/Messages/{{sid}}.json", self._route("message.fetch", self._fetch), methods=["GET"]),
            Route("/v2/Indicators/Typing.json", self._route("typing", self._typing), methods=["POST"]),
        ]

    def _route(self, kind: str, handler: Any) -> Any:  # noqa: ANN401 - Starlette's endpoints
        """Wrap a handler: logged, authenticated, refusals answered."""

        async def endpoint(request: Request) -> Response:
            form = dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))
            shown = form or dict(request.query_params)
            entry = self._world.wire.begin("from_gateway", kind, request.method, str(request.url), shown)
            try:
                self._authenticate(request)
                answer: Response = await handler(request, form, entry)
            except Refusal as refusal:
                answer = refusal.answer
            except Dropped:
                entry.end(None)
                await _drop(request)
                return Response()
            entry.end(answer.status_code, bytes(answer.body).decode())
            return answer

        return endpoint

    def _authenticate(self, request: Request) -> None:
        settings = self._world.settings
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            user, _, secret = base64.b64decode(given).decode().partition(":")
        except ValueError:  # no base64, or no UTF-8 in it
            user = secret = ""
        known = hmac.compare_digest(
            f"{user}:{secret}".encode(), f"{settings.account_sid}:{settings.auth_token}".encode()
        )
        if scheme.lower() != "basic" or not known:
            raise Refusal(401, 20003, "Authenticate")
        if request.path_params.get("account", settings.account_sid) != settings.account_sid:
            raise Refusal(404, 20404, "The requested resource was not found")

    async def _account(self, _request: Request, _form: dict[str, str], _entry: Entry) -> Response:
        settings = self._world.settings
        now = format_datetime(datetime.now(UTC))
        return JSONResponse(
            {
                "sid": settings.account_sid,
                "auth_token": settings.auth_token,
                "friendly_name": "Trunkline simulator",
                "status": "active",
                "type": "Full",
                "owner_account_sid": settings.account_sid,
                "date_created": now,
                "date_updated": now,
                "uri": f"/{API_VERSION}/Accounts/{settings.account_sid}.json",
                "subresource_uris": {"messages": f"/{API_VERSION}/Accounts/{settings.account_sid}/Messages.json"},
            }
        )

    async def _create(self, _request: Request, form: dict[str, str], entry: Entry) -> Response:
        fault = self._world.faults.take(CREATE, form.get("To", ""))
        if fault is not None:
            entry.fault = fault.kind
            await _before(fault)
        message = self._checked(form)
        entry.message_sid = message.sid
        callback = form.get("StatusCallback", "")
        entry.attempt = parse_qs(urlsplit(callback).query).get("attempt", [None])[0]
        told: frozenset[str] = frozenset()
        if self._world.faults.take(("callback_before_201",), message.to):
            told = frozenset({"sent"})
            await self._world.report(message, "sent")
        self._world.accept(message, told)
        if fault is not None:
            await _after(fault)
        return JSONResponse(message.record() | {"status": "queued"}, 201)

    def _checked(self, form: dict[str, str]) -> Message:
        """Return the message, or refuse it as Twilio would."""
        to, sender, body = form.get("To", ""), form.get("From", ""), form.get("Body", "")
        if not to:
            raise Refusal(400, 21604, "A 'To' phone number is required.")
        if not PERSON.fullmatch(to):
            raise Refusal(400, 21211, "Invalid 'To' Phone Number")
        if sender != self._world.settings.sender:
            raise Refusal(400, 63007, "Twilio could not find a Channel with the specified From address")
        if not body:
            raise Refusal(400, 21602, "Message body is required.")
        if len(body.encode("utf-16-le")) // 2 > _MOST_UNITS:
            raise Refusal(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        callback = form.get("StatusCallback")
        if callback and not _is_url(callback):
            raise Refusal(400, 21609, "The 'StatusCallback' URL is not a valid URL.")
        return Message(
            account_sid=self._world.settings.account_sid,
            direction="outbound-api",
            sender=sender,
            to=to,
            body=body,
            status="queued",
            status_callback=callback or None,
        )

    async def _fetch(self, request: Request, _form: dict[str, str], _entry: Entry) -> Response:
        message = self._world.messages.get(request.path_params["sid"])
        if message is None:
            raise Refusal(404, 20404, "The requested resource was not found")
        return JSONResponse(message.record())

    async def _list(self, request: Request, _form: dict[str, str], entry: Entry) -> Response:
        """List the newest first, filtered and by pages."""
        told = request.query_params
        to = told.get("To", "")
        if fault := self._world.faults.take(("list_500",), to):
            entry.fault = fault.kind
            raise Refusal(500, 20500, "Internal server error")
        lag = self._world.faults.take(("list_lag",), to)
        newest = datetime.now(UTC) - timedelta(seconds=lag.seconds if lag else 0)
        found = [
            message
            for message in reversed(self._world.messages.values())
            if (not to or message.to == to)
            and (not told.get("From") or message.sender == told["From"])
            and message.created <= newest
            and _sent_within(message, dict(told))
        ]
        size = min(_whole(told, "PageSize", 50, least=1), _MOST_ON_A_PAGE)
        page = _whole(told, "Page", 0, least=0)
        shown = found[page * size : (page + 1) * size]
        more = len(found) > (page + 1) * size
        base = request.url.path

        def uri(number: int) -> str:
            return f"{base}?{urlencode({**told, 'Page': number, 'PageSize': size})}"

        return JSONResponse(
            {
                "messages": [message.record() for message in shown],
                "page": page,
                "page_size": size,
                "start": page * size,
                "end": page * size + max(len(shown) - 1, 0),
                "uri": uri(page),
                "first_page_uri": uri(0),
                "next_page_uri": uri(page + 1) if more else None,
                "previous_page_uri": uri(page - 1) if page else None,
            }
        )

    async def _typing(self, _request: Request, form: dict[str, str], entry: Entry) -> Response:
        sid = form.get("messageId", "")
        message = self._world.messages.get(sid)
        if not _MESSAGE_ID.fullmatch(sid) or form.get("channel") != "whatsapp":
            raise Refusal(400, 20001, "messageId or channel is invalid")
        if message is None or message.direction != "inbound":
            raise Refusal(404, 20404, "The requested resource was not found")
        entry.message_sid = sid
        await self._world.phones.mark(message.sender, sid, "read")
        await self._world.phones.type(message.sender)
        return JSONResponse({"success": True})


async def _before(fault: Fault) -> None:
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
        case "latency":
            await asyncio.sleep(fault.seconds)


async def _after(fault: Fault) -> None:
    """Do what a fault does once the message is accepted."""
    match fault.kind:
        case "500_after":
            raise Refusal(500, 20500, "Internal server error")
        case "drop_after":
            raise Dropped
        case "hang":
            await asyncio.sleep(fault.seconds)


async def _drop(request: Request) -> None:
    """Close the connection below the server's feet."""
    request.scope["dropper"]()
    await asyncio.sleep(0.05)  # until the server has noticed


def _is_url(text: str) -> bool:
    """Tell whether Twilio would take this as the address of a callback."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(host) and "_" not in str(host) and text.isascii()


def _whole(told: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    """Return a whole number of the query, or refuse it as Twilio would."""
    try:
        number = int(told.get(name, default))
    except ValueError:
        number = least - 1
    if number < least:
        raise Refusal(400, 20001, f"{name} is invalid")
    return number


def _sent_within(message: Message, told: dict[str, str]) -> bool:
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
