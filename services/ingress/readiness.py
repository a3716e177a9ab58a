"""Whether ingress may get traffic: the streams it stores into are there, and NATS syncs before it confirms."""

import asyncio
import http.client
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import orjson

from shared.ops import Check
from shared.topology import Stream

_LIMIT = 1.5


def durable_streams(monitor_url: str, streams: Iterable[Stream]) -> Check:
    """
    Return the check that asks the server's monitor.

    A server that syncs later than it confirms could lose what was acknowledged to Twilio, so ingress does not serve with it.
    """
    needed = {stream.name for stream in streams}

    async def check() -> str | None:
        settings, report = await asyncio.to_thread(ask_monitor, monitor_url)
        if settings.get("jetstream", {}).get("config", {}).get("sync_always") is not True:
            return "sync_always is off"
        there = {
            stream["name"]
            for account in report.get("account_details", ())
            for stream in account.get("stream_detail", ())
        }
        missing = sorted(needed - there)
        return f"no stream {', '.join(missing)}" if missing else None

    return check


def ask_monitor(monitor_url: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the server's settings, and its report on JetStream with every stream. Blocks; raises `OSError` and the like."""
    parts = urlsplit(monitor_url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=_LIMIT)
    try:
        return _get(connection, "/varz"), _get(connection, "/jsz?streams=1&config=1")
    finally:
        connection.close()


def _get(connection: http.client.HTTPConnection, path: str) -> dict[str, Any]:
    connection.request("GET", path)
    answer: dict[str, Any] = orjson.loads(connection.getresponse().read())
    return answer
