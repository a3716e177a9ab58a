"""What ingress measures of NATS: how full it is, whether it syncs, and when its certificates end."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import urlsplit

from services.ingress.readiness import ask_monitor
from shared.certificates import certificate, shown_until, trusted_until
from shared.certificates import nats as tls_of_nats
from shared.metrics import (
    NATS_STORE,
    NATS_STORE_LIMIT,
    NATS_STREAM,
    NATS_STREAM_LIMIT,
    NATS_SYNC,
)
from shared.settings import Nats

_NATS_PORT = 4222


def nats_store(monitor_url: str) -> Callable[[], Awaitable[None]]:
    """Return what asks the server's monitor."""

    async def measure() -> None:
        settings, report = await asyncio.to_thread(ask_monitor, monitor_url)
        configured = settings.get("jetstream", {}).get("config", {})
        NATS_SYNC.set(1 if configured.get("sync_always") is True else 0)
        NATS_STORE.set(report.get("storage", 0))
        NATS_STORE_LIMIT.set(configured.get("max_storage", 0))
        for account in report.get("account_details", ()):
            for stream in account.get("stream_detail", ()):
                NATS_STREAM.labels(stream["name"]).set(stream["state"]["bytes"])
                if (limit := stream.get("config", {}).get("max_bytes", -1)) > 0:
                    NATS_STREAM_LIMIT.labels(stream["name"]).set(limit)

    return measure


def certificates(nats: Nats) -> list[Callable[[], Awaitable[None]]]:
    """Return what looks at NATS' certificates: the authority that is trusted, and what the server shows."""
    if not nats.ca:
        return []
    authority, server = nats.ca, urlsplit(nats.url)
    shown = partial(shown_until, server.hostname or "", server.port or _NATS_PORT, tls_of_nats)
    return [certificate("nats", partial(trusted_until, authority)), certificate("nats-server", shown)]
