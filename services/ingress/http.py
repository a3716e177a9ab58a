"""
HTTP's outer rules, in the order of their cheapness: method, framing, type, size, headers, and a body that comes in time.

The server already refuses contradictory lengths, more than 100 headers and slow headers. It hides two things: of a request
with both a length and chunks it drops the length, and closes the connection after the answer; and where no host is named it
puts an empty one.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.ingress.outcomes import (
    BAD_FRAMING,
    CUT_SHORT,
    HEADERS_TOO_LARGE,
    TOO_LARGE,
    TOO_SLOW,
    WRONG_METHOD,
    WRONG_TYPE,
    Outcome,
    Refused,
)
from shared.ops import Receive, Scope, Send

MOST_BODY = 64 * 1024
MOST_HEADERS = 16 * 1024
BODY_LIMIT = 10.0
"""Seconds for the whole body."""

_FORM = "application/x-www-form-urlencoded"
_FORM_TYPES = frozenset({_FORM, f"{_FORM};charset=utf-8"})
_MOST_DISCARDED = 1024 * 1024
_DISCARD_LIMIT = 1.0
_EMPTY_RESPONSE = b"<Response/>"


@dataclass
class Request:
    """A request as it came, and what has been found out about it for the log."""

    method: str
    path: str
    query: str
    version: str
    headers: Mapping[str, tuple[str, ...]]
    receive: Receive
    size: int
    """Bytes of the head."""
    body_read: bool = False
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, scope: Scope, receive: Receive) -> "Request":
        """Take it over from ASGI. Raw bytes are kept, since signatures are over what was sent."""
        headers: dict[str, tuple[str, ...]] = {}
        size = len(scope["raw_path"]) + len(scope["query_string"])
        for name, value in scope["headers"]:
            key = name.decode("latin-1")
            headers[key] = (*headers.get(key, ()), value.decode("latin-1"))
            size += len(name) + len(value)
        return cls(
            method=scope["method"],
            path=scope["raw_path"].decode("latin-1"),
            query=scope["query_string"].decode("latin-1"),
            version=scope["http_version"],
            headers=headers,
            receive=receive,
            size=size,
        )


def check_head(request: Request) -> None:
    """Raise `Refused` for a head that no form post of a provider has."""
    headers = request.headers
    lengths, encodings = headers.get("content-length", ()), headers.get("transfer-encoding", ())
    if request.method != "POST":
        raise Refused(WRONG_METHOD)
    if not _well_framed(request, lengths, encodings):
        raise Refused(BAD_FRAMING)
    types = [kind.replace(" ", "").replace('"', "").lower() for kind in headers.get("content-type", ())]
    if (
        len(types) != 1
        or types[0] not in _FORM_TYPES
        or headers.get("content-encoding", ("identity",)) != ("identity",)
    ):
        raise Refused(WRONG_TYPE)
    if lengths and int(lengths[0]) > MOST_BODY:
        raise Refused(TOO_LARGE)
    if request.size > MOST_HEADERS:
        raise Refused(HEADERS_TOO_LARGE)


async def read_body(request: Request) -> bytes:
    """Return the body. Raises `Refused` when it is too long, too slow or cut short."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_LIMIT):
            while not request.body_read:
                body += await _next(request)
                if len(body) > MOST_BODY:
                    raise Refused(TOO_LARGE)
    except TimeoutError:
        request.body_read = True  # enough of it
        raise Refused(TOO_SLOW) from None
    return bytes(body)


async def answer(request: Request, send: Send, outcome: Outcome) -> None:
    """Send the outcome: an empty `<Response/>` for what Twilio should take as done, and no body for anything else."""
    if outcome.closes:
        await _discard(request)
    body = _EMPTY_RESPONSE if outcome.status == 200 else b""  # noqa: PLR2004 - HTTP's own number
    fields = {"content-type": "text/xml", "content-length": str(len(body))} if outcome.status != 204 else {}  # noqa: PLR2004
    if outcome.closes:
        fields["connection"] = "close"
    if outcome is WRONG_METHOD:
        fields["allow"] = "POST"
    if error_id := request.facts.get("error_id"):
        fields["x-error-id"] = error_id
    raw = [(name.encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": outcome.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _well_framed(request: Request, lengths: tuple[str, ...], encodings: tuple[str, ...]) -> bool:
    hosts = request.headers.get("host", ())
    chunked = tuple(encoding.lower() for encoding in encodings) == ("chunked",)
    measured = len(lengths) == 1 and lengths[0].isascii() and lengths[0].isdigit()
    return (
        len(hosts) <= 1
        and (any(hosts) or request.version != "1.1")
        and (chunked or not encodings)
        and (measured or not lengths)
        and not (chunked and measured)
    )


async def _next(request: Request) -> bytes:
    event = await request.receive()
    if event["type"] != "http.request":
        request.body_read = True
        raise Refused(CUT_SHORT)
    request.body_read = not event.get("more_body", False)
    return bytes(event.get("body", b""))


async def _discard(request: Request) -> None:
    """Read on for a moment, so that the answer is not lost to a reset while the sender still sends."""
    if request.body_read or "expect" in request.headers:
        return
    left = _MOST_DISCARDED
    try:
        async with asyncio.timeout(_DISCARD_LIMIT):
            while left > 0 and not request.body_read:
                left -= len(await _next(request)) or 1
    except (TimeoutError, Refused):
        return
