"""
The ops port of every process: `/healthz` (the loop lives), `/readyz` (each dependency, by name), `/metrics`.

Metrics are told as OpenMetrics, with exemplars, to whoever asks for that, else in Prometheus' text.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from shared.metrics import CHECK_SECONDS, CHECK_UP

Check = Callable[[], Awaitable[str | None]]
"""Asks one dependency; returns None when it is fine, else what is wrong, in a few words."""

Measure = Callable[[], Awaitable[None]]
"""Asks for what a gauge shall say, and sets it."""

_CHECK_LIMIT = 2.0
_MEASURED_FOR = 3.0
"""Seconds for which what was measured holds, however often somebody scrapes."""

_HEADER_READ_LIMIT_MS = 5_000
_START_LIMIT = 10.0
_FINISH_LIMIT = 5.0
_MOST_CONNECTIONS = 1024

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def ops_app(checks: Mapping[str, Check], *measures: Measure) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Return the ASGI app of the ops port. `measures` are made when metrics are asked for, and not more often than every 3 s."""
    gauges = _Gauges(checks, measures)

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
                await gauges.measure()
                encode, content_type = choose_encoder(_header(scope, b"accept"))
                await _answer(send, 200, encode(REGISTRY), content_type.encode())
            case _:
                await _answer(send, 404, b"", b"text/plain")

    return app


class _Gauges:
    """What is measured at a scrape: each check, and what a service adds."""

    def __init__(self, checks: Mapping[str, Check], measures: Sequence[Measure]) -> None:
        self._checks = checks
        self._measures = measures
        self._lock = asyncio.Lock()
        self._measured = float("-inf")

    async def measure(self) -> None:
        """Measure everything anew, unless somebody just did."""
        async with self._lock:
            if time.monotonic() - self._measured < _MEASURED_FOR:
                return
            checks = (self._check(name, check) for name, check in self._checks.items())
            await asyncio.gather(*checks, *map(_ask, map(_as_check, self._measures)))
            self._measured = time.monotonic()

    async def _check(self, name: str, check: Check) -> None:
        began = time.monotonic()
        wrong = await _ask(check)
        CHECK_SECONDS.labels(name).set(time.monotonic() - began)
        CHECK_UP.labels(name).set(0 if wrong else 1)


def _as_check(measure: Measure) -> Check:
    """Let what cannot be measured now keep its value: the check of what it asks tells why."""

    async def check() -> None:
        await measure()

    return check


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope.get("headers", ()) if key.lower() == name), "")


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
