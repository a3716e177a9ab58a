"""The ops port of ingress: it lives, it is ready, and why not."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from services.ingress.gauges import nats_store
from services.ingress.readiness import durable_streams
from shared.ops import Check, Measure, Receive, Scope, Send, ops_app
from shared.topology import INBOUND, STATUS
from tests.services.ingress.gateway import Gateway
from tests.services.ingress.wire import asks, message, post

SYNCED = {"jetstream": {"config": {"sync_always": True}}}
BOTH = {"account_details": [{"stream_detail": [{"name": "INBOUND"}, {"name": "STATUS"}]}]}


@contextmanager
def monitor(settings: dict[str, Any], streams: dict[str, Any]) -> Iterator[str]:
    """Play a NATS server's monitoring port; give its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(settings if self.path == "/varz" else streams).encode())

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_living_process_says_so(gateway: Gateway) -> None:
    """
    Liveness asks nobody else.
    """
    answer = await gateway.ops("/healthz")
    assert (answer.status, answer.body) == (200, b"ok\n")


async def test_readiness_names_each_dependency(gateway: Gateway) -> None:
    """
    The process itself, NATS, the directory, and that what is confirmed is on disk.
    """
    answer = await gateway.ops("/readyz")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    report = json.loads(answer.body)
    assert report == {"ready": True, "checks": dict.fromkeys(("process", "nats", "config", "durability"), "ok")}


async def test_metrics_count_what_was_accepted(gateway: Gateway) -> None:
    """
    By outcome, in the format that Prometheus reads.
    """
    before = await gateway.counted("accepted")
    await gateway.twilio_posts(message())
    assert await gateway.counted("accepted") == before + 1
    assert (await gateway.ops("/metrics")).headers["content-type"].startswith("text/plain; version=")


async def test_the_ops_port_has_nothing_else(gateway: Gateway) -> None:
    """
    In particular no webhook.
    """
    for path in ("/", "/webhooks/twilio", "/healthz/", "/debug"):
        assert (await gateway.ops(path)).status == 404


async def test_the_public_port_has_no_probes(gateway: Gateway) -> None:
    """
    Strangers need not know how we are.
    """
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await asks(gateway.port, path)).status == 404
        assert (await gateway.takes(post(b"", path=path))).status == 404


async def test_streams_on_a_server_that_syncs_are_durable() -> None:
    """
    Nothing to complain about.
    """
    with monitor(SYNCED, BOTH) as url:
        assert await durable_streams(url, (INBOUND, STATUS))() is None


@pytest.mark.parametrize("settings", [{}, {"jetstream": {}}, {"jetstream": {"config": {"sync_always": False}}}])
async def test_a_server_that_confirms_before_it_syncs_is_not_good_enough(settings: dict[str, Any]) -> None:
    """
    A power cut would take what Twilio believes we have.
    """
    with monitor(settings, BOTH) as url:
        assert await durable_streams(url, (INBOUND, STATUS))() == "sync_always is off"


async def test_missing_streams_are_named() -> None:
    """
    All of them, in order.
    """
    with monitor(SYNCED, {"account_details": []}) as url:
        assert await durable_streams(url, (STATUS, INBOUND))() == "no stream INBOUND, STATUS"


async def test_a_scrape_tells_which_check_fails_and_how_full_nats_is() -> None:
    """
    Each check is 1 or 0; the server's store and streams are told beside their limits, and whether it syncs.
    """
    full = {
        "storage": 700,
        "account_details": [
            {"stream_detail": [{"name": "INBOUND", "state": {"bytes": 30}, "config": {"max_bytes": 40}}]}
        ],
    }
    with monitor({"jetstream": {"config": {"sync_always": False, "max_storage": 1000}}}, full) as url:
        told = await scraped({"durability": durable_streams(url, (INBOUND,))}, nats_store(url))
    assert 'trunkline_check_up{check="durability"} 0.0' in told
    for line in (
        "trunkline_nats_sync_always 0.0",
        "trunkline_nats_store_bytes 700.0",
        "trunkline_nats_store_limit_bytes 1000.0",
        'trunkline_nats_stream_bytes{stream="INBOUND"} 30.0',
        'trunkline_nats_stream_limit_bytes{stream="INBOUND"} 40.0',
    ):
        assert line in told


async def test_what_cannot_be_measured_does_not_keep_the_rest_from_being_told() -> None:
    """
    A server that does not answer is a failed check, and the scrape is answered.
    """

    async def breaks() -> None:
        raise OSError

    async def fails() -> str | None:
        raise OSError

    assert 'trunkline_check_up{check="nats"} 0.0' in await scraped({"nats": fails}, breaks)


async def test_many_scrapes_measure_once() -> None:
    """
    Whoever asks again within three seconds is told the same.
    """
    asked = 0

    async def count() -> None:
        nonlocal asked
        asked += 1

    app = ops_app({}, count)
    await asyncio.gather(*(_scrape(app) for _ in range(10)))
    assert asked == 1


async def scraped(checks: dict[str, Check], *measures: Measure) -> str:
    """Return what the ops app tells Prometheus."""
    return await _scrape(ops_app(checks, *measures))


async def _scrape(app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> str:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    await app({"type": "http", "path": "/metrics", "headers": []}, receive, send)
    return str(sent[1]["body"].decode())
