"""One call to an address that a tenant named: what came back, or why nothing did."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import httpcore2
import httpx2
from opentelemetry.trace import SpanKind

from shared.metrics import OUTBOUND_CALLS
from shared.outbound.dialing import Resolver
from shared.outbound.failures import HEADER_REFUSED, NOT_TEXT, REDIRECTED, TIMED_OUT, OutboundFailure, Refused
from shared.outbound.targets import Allowed, parse
from shared.outbound.transport import MOST_BYTES, GuardedTransport
from shared.telemetry import span

_LIMIT = 10.0
_CONNECT_LIMIT = 3.0
"""Seconds for each of name, connection and TLS: when the whole time is up, the request was sent."""

_AGENT = "Trunkline"
_CHARSETS = {"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "iso-8859-15", "windows-1252"}
_TEXT = re.compile(
    r"text/[\w.+-]+|application/(?:json|xml|x-ndjson|x-www-form-urlencoded|[\w.-]+\+(?:json|xml))", re.ASCII
)
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([\w.:-]+)"?', re.ASCII | re.IGNORECASE)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]{0,4096}")
_OURS = frozenset(
    {"accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding",
     "upgrade", "user-agent"}
)  # fmt: skip
"""Headers that are the guard's: they decide where a request goes, and where it ends."""


@dataclass(frozen=True)
class Received:
    """An answer. `media_type`: without parameters; empty where there is no body."""

    status: int
    text: str
    media_type: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether it is a good one."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own


@dataclass(frozen=True)
class Fetched:
    """What is at an address, byte for byte. `location`: where a redirect leads, as it is written; else empty."""

    status: int
    body: bytes
    location: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether it is what was asked for."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own


def may_be_sent(name: str, value: str) -> bool:
    """Tell whether a caller may set a header so."""
    return (
        bool(_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value))
        and name.lower() not in _OURS
        and not name.lower().startswith("proxy-")
    )


_Came = TypeVar("_Came", Received, Fetched)


@dataclass(frozen=True)
class Guard:
    """Makes calls. `limit`: seconds that one may take in all."""

    transport: httpx2.AsyncBaseTransport
    allowed: Allowed
    limit: float = _LIMIT

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        hosts: Collection[str] | None = None,
    ) -> Received | OutboundFailure:
        """Call, once. `hosts`: where given, the only ones. Redirects are not followed, cookies not kept."""
        return await self._measured(method, self._ask(method, url, headers or {}, content, hosts))

    async def fetch(
        self, url: str, *, headers: Mapping[str, str] | None = None, hosts: Collection[str] | None = None
    ) -> Fetched | OutboundFailure:
        """Get whatever is there. A redirect is not followed: who asked is told where it leads, and may ask there."""
        return await self._measured("GET", self._fetch(url, headers or {}, hosts))

    async def _measured(self, method: str, call: Awaitable[_Came]) -> _Came | OutboundFailure:
        with span("outbound", kind=SpanKind.CLIENT, http__request__method=method) as opened:
            came: _Came | OutboundFailure
            try:
                async with asyncio.timeout(self.limit):
                    came = await call
            except TimeoutError:
                came = TIMED_OUT
            except Refused as refused:
                came = refused.failure
            outcome = came.code if isinstance(came, OutboundFailure) else f"{came.status // 100}xx"
            opened.set_attribute("trunkline.outcome", outcome)
        OUTBOUND_CALLS.labels(outcome).inc()
        return came

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, hosts: Collection[str] | None
    ) -> Received:
        answer, body = await self._answer(method, url, headers, content, hosts)
        if answer.is_redirect:
            raise Refused(REDIRECTED)
        return _read(answer.status_code, answer.headers.get("content-type", ""), body)

    async def _fetch(self, url: str, headers: Mapping[str, str], hosts: Collection[str] | None) -> Fetched:
        answer, body = await self._answer("GET", url, headers, b"", hosts)
        location = answer.headers.get("location", "") if answer.is_redirect else ""
        return Fetched(answer.status_code, body, location)

    async def _answer(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, hosts: Collection[str] | None
    ) -> tuple[httpx2.Response, bytes]:
        """Return an answer and its body; a redirect's body is not read."""
        target = parse(url, self.allowed, hosts)
        if not all(may_be_sent(name, value) for name, value in headers.items()):
            raise Refused(HEADER_REFUSED)
        request = httpx2.Request(
            method,
            target,
            headers={**headers, "User-Agent": _AGENT, "Accept-Encoding": "gzip, deflate", "Connection": "close"},
            content=content or None,
            extensions={"timeout": {"connect": _CONNECT_LIMIT}},
        )
        answer = await self.transport.handle_async_request(request)
        try:
            body = b"" if answer.is_redirect else b"".join([piece async for piece in answer.aiter_raw()])
        finally:
            await answer.aclose()
        return answer, body


def _read(status: int, content_type: str, body: bytes) -> Received:
    media_type = content_type.partition(";")[0].strip().lower()
    if not body:
        return Received(status, "")
    charset = match[1].lower() if (match := _CHARSET.search(content_type)) else "utf-8"
    if not _TEXT.fullmatch(media_type) or charset not in _CHARSETS:
        raise Refused(NOT_TEXT)
    return Received(status, body.decode(charset, "replace"), media_type)


@asynccontextmanager
async def open_guard(
    allowed: Allowed,
    *,
    resolver: Resolver | None = None,
    dialer: httpcore2.AsyncNetworkBackend | None = None,
    tls: ssl.SSLContext | None = None,
    limit: float = _LIMIT,
    most: int = MOST_BYTES,
) -> AsyncIterator[Guard]:
    """Hold a guard for the length of the block. `most`: bytes that an answer may have."""
    transport = GuardedTransport(allowed, resolver=resolver, dialer=dialer, tls=tls, most=most)
    try:
        yield Guard(transport, allowed, limit)
    finally:
        await transport.aclose()
