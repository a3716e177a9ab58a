"""The ops port of ingress: it lives, it is ready, and why not."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from services.ingress.readiness import durable_streams
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
