"""The ops port of every process: `/healthz` (the loop lives), `/readyz` (each dependency, by name), `/metrics`."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

Check = Callable[[], Awaitable[str | None]]
"""Asks one dependency; returns None when it is fine, else what is wrong, in a few words."""

_CHECK_LIMIT = 2.0
_HEADER_READ_LIMIT_MS = 5_000
_START_LIMIT = 10.0
_FINISH_LIMIT = 5.0
_MOST_CONNECTIONS = 1024

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def ops_app(checks: Mapping[str, Check]) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Return the ASGI app of the ops port."""

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        match scope["path"]:
            case "/healthz":
                await _answer(send, 200, b"ok\n", b"text/plain")
            case "/readyz":
                report = dict(zip(checks, await asyncio.gather(*map(_ask, checks.values())), strict=True))
                ready = not any(report.values())
                body = {"ready": ready, "checks": {name: wrong or "ok" for name, wrong in report.items()}}
                await _answer(send, 200 if ready else 503, orjson.dumps(body), b"application/json")
            case "/metrics":
                await _answer(send, 200, generate_latest(), CONTENT_TYPE_LATEST.encode())
            case _:
                await _answer(send, 404, b"", b"text/plain")

    return app


@asynccontextmanager
async def serving(
    app: Callable[[Scope, Receive, Send], Awaitable[None]], host: str, port: int
) -> AsyncIterator[Server]:
    """
    Serve an ASGI app over HTTP/1 in this process and event loop, from the block's start to its end.

    Running requests are given 5 s to finish. Raises `OSError` when the port is taken.
    """
    _refuse_taken(host, port)
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,  # the limit on slow headers knows no HTTP/2
        backlog=_MOST_CONNECTIONS,
        backpressure=_MOST_CONNECTIONS,
        log_enabled=False,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_READ_LIMIT_MS),
    )
    task = asyncio.create_task(server.serve())
    await _listening(task, host, port)
    try:
        yield server
    finally:
        server.stop()  # type: ignore[no-untyped-call]  # granian ships it untyped
        await asyncio.wait({task}, timeout=_FINISH_LIMIT)


def _refuse_taken(host: str, port: int) -> None:
    """Raise `OSError` when somebody listens: the server itself would share the port with another of its kind, unseen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        probe.listen(1)


async def _listening(task: asyncio.Task[None], host: str, port: int) -> None:
    """Wait until connections are taken; the server binds in a thread of its own."""
    async with asyncio.timeout(_START_LIMIT):
        while True:
            if task.done():
                task.result()
            try:
                _, writer = await asyncio.open_connection(host, port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                await writer.wait_closed()
                return


async def _ask(check: Check) -> str | None:
    try:
        async with asyncio.timeout(_CHECK_LIMIT):
            return await check()
    except TimeoutError:
        return "no answer in time"
    except Exception as error:  # noqa: BLE001 - a probe reports whatever is wrong
        return type(error).__name__


async def _answer(send: Send, status: int, body: bytes, content_type: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", content_type)]})
    await send({"type": "http.response.body", "body": body})
