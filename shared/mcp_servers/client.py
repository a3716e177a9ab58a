"""
Asks a server, once: each time a session of its own, within a bounded time.

The library is given an HTTP client over the guard's transport, and none of its other ways to reach out. It is loaded for the
first server that is asked: it is the largest of all that we import, and most processes never need it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import httpx2
import orjson

from shared.actions import Outcome
from shared.actions.mapping import cut
from shared.actions.performing import without_secrets
from shared.mcp_servers.server import Listed, Server, sorted_out
from shared.outbound import Guard, OutboundFailure, Refused, parse
from shared.outbound.failures import BROKE_OFF, REDIRECTED, TIMED_OUT, UNREACHABLE

if TYPE_CHECKING:
    from mcp import Client
    from mcp_types import CallToolResult

LIST_LIMIT = 5.0
CALL_LIMIT = 10.0
"""Seconds; a call's is the guard's own (safety.md, section 2)."""

_LARGEST_EVENT = 256 * 1024
_MOST_PAGES = 5
_LIBRARY = "mcp.client.streamable_http"

logging.getLogger("mcp").setLevel(logging.CRITICAL)  # it quotes what servers say


class Unavailable(Exception):
    """A server that does not answer as it should."""


class _NoRedirects(httpx2.AsyncBaseTransport):
    """The guard's transport; the library would follow some redirects by itself."""

    def __init__(self, transport: httpx2.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._transport.handle_async_request(request)
        if answer.is_redirect:
            await answer.aclose()
            raise Refused(REDIRECTED)
        return answer


async def list_tools(guard: Guard, server: Server, limit: float = LIST_LIMIT) -> Listed:
    """Return what a server offers, and what of it cannot be used. Raises Unavailable."""
    described: dict[str, Mapping[str, Any]] = {}
    await _load()
    try:
        async with asyncio.timeout(limit), _session(guard, server) as client:
            cursor = None
            for _ in range(_MOST_PAGES):
                page = await client.list_tools(cursor=cursor)
                described |= {tool.name: tool.model_dump(mode="json", by_alias=True) for tool in page.tools}
                cursor = page.next_cursor
                if cursor is None:
                    break
    except Exception as error:
        raise Unavailable from error
    return sorted_out(server, described)


async def call_tool(
    guard: Guard, server: Server, name: str, arguments: Mapping[str, Any], limit: float = CALL_LIMIT
) -> Outcome:
    """Call a tool, once. Where nobody knows whether it was done, the outcome's failure says so (`begun`)."""
    asked, result = False, None
    await _load()
    try:
        async with asyncio.timeout(limit), _session(guard, server) as client:
            asked = True
            result = await client.call_tool(name, dict(arguments))
    except Exception as error:  # noqa: BLE001 - whatever a foreign server leads a library to
        if result is None:
            return _failed(error, asked=asked)
    return _told(result, server)


async def _load() -> None:
    """Import the library, beside whatever else this process does."""
    await asyncio.to_thread(import_module, _LIBRARY)


@asynccontextmanager
async def _session(guard: Guard, server: Server) -> AsyncIterator["Client"]:
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    url = str(parse(server.url, guard.allowed))
    headers = {**server.headers, "Accept-Encoding": "gzip, deflate"}
    async with (
        httpx2.AsyncClient(
            transport=_NoRedirects(guard.transport),
            headers=headers,
            trust_env=False,
            follow_redirects=False,
            timeout=None,
        ) as http,
        Client(streamable_http_client(url, http_client=http, max_sse_event_size=_LARGEST_EVENT)) as client,
    ):
        yield client


def _failed(error: BaseException, *, asked: bool) -> Outcome:
    from mcp import MCPError
    from mcp_types import INVALID_PARAMS, METHOD_NOT_FOUND

    # These two say that nothing was begun. Of any other error nobody knows.
    if isinstance(error, MCPError) and error.error.code in {INVALID_PARAMS, METHOD_NOT_FOUND}:
        return Outcome("The server does not take this call.", status=0)
    failure = _failure(error, asked=asked)
    return Outcome(f"The server could not be asked: {failure.words}", failure=failure)


def _failure(error: BaseException, *, asked: bool) -> OutboundFailure:
    if not asked:
        return UNREACHABLE
    return TIMED_OUT if isinstance(error, TimeoutError) else BROKE_OFF


def _told(result: "CallToolResult", server: Server) -> Outcome:
    from mcp_types import TextContent

    texts = [it.text if isinstance(it, TextContent) else f"[{it.type}]" for it in result.content]
    if not texts and result.structured_content is not None:
        texts = [orjson.dumps(result.structured_content).decode()]
    text = cut(without_secrets("\n".join(texts), server.headers)) or "Done."
    return Outcome(text, status=0, ok=not result.is_error)
