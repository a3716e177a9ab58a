"""Traces of a local stack: where a message's time went, span by span; and the door through which services bring them."""

import re
import zlib
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.console.api.routes import may
from services.console.pages.routes import Page
from services.console.pages.view import Looking
from services.console.records import Unknown
from services.console.traces import Spanned, Trace, TraceLog, Unreadable

RECEIVER = "/otlp/v1/traces"
"""Where a local stack's services export to."""

_PROTOBUF = "application/x-protobuf"
_MOST_BYTES = 8 * 1024 * 1024
_ROWS = 100
_TRACE = re.compile(r"[0-9a-f]{32}")
_WIDTH = 1000
"""Units of a waterfall's width."""


def traces(log: TraceLog) -> APIRouter:
    """Return the pages. They are the platform's: a trace may be anybody's."""
    router = APIRouter(route_class=Page)

    @router.get("/traces", **may("messages:read", platform=True))
    async def trace_list(view: Looking) -> Response:
        sid = view.request.query_params.get("provider_sid", "").strip()[:64] or None
        return view.page("traces.html", traces=log.newest(_ROWS, sid), provider_sid=sid)

    @router.get("/traces/{trace}", **may("messages:read", platform=True))
    async def one_trace(view: Looking, trace: str) -> Response:
        found = log.get(trace) if _TRACE.fullmatch(trace) else None
        if found is None:
            raise Unknown
        rows = [(depth, span, *_bar(found, span)) for depth, span in found.tree()]
        linked = [other for link in found.links if (other := log.get(link)) is not None]
        return view.page("trace.html", trace=found, rows=rows, linked=linked)

    return router


def receiver(log: TraceLog) -> Callable[[Request], Awaitable[Response]]:
    """
    Return what takes exports in.

    Only protobuf is taken: a page of another site could not send that from a browser on this machine.
    """

    async def receive(request: Request) -> Response:
        if request.headers.get("content-type") != _PROTOBUF:
            return Response(status_code=415)
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST_BYTES:
                return Response(status_code=413)
        try:
            log.take(_unpacked(body) if request.headers.get("content-encoding") == "gzip" else body)
        except (Unreadable, zlib.error):
            return Response(status_code=400)
        return Response(b"", media_type=_PROTOBUF)

    return receive


def _unpacked(body: bytes) -> bytes:
    return zlib.decompressobj(wbits=31).decompress(body, _MOST_BYTES)


def _bar(trace: Trace, span: Spanned) -> tuple[float, float]:
    """Return where a span's bar begins, and how wide it is; a short one can still be seen."""
    whole = max(trace.ms, 0.001)
    left = (span.start - trace.start) / 1e6 / whole * _WIDTH
    return round(left, 1), round(max(2.0, span.ms / whole * _WIDTH), 1)
