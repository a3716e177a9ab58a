"""What ingress measures of NATS: how full it is, whether it syncs, and when the certificate ends that it is trusted by."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from cryptography import x509

from services.ingress.readiness import ask_monitor
from shared.metrics import (
    CERTIFICATE_EXPIRY,
    NATS_STORE,
    NATS_STORE_LIMIT,
    NATS_STREAM,
    NATS_STREAM_LIMIT,
    NATS_SYNC,
)
from shared.settings import Nats


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


def certificates(nats: Nats) -> Callable[[], Awaitable[None]]:
    """Return what reads the file of authorities again, since it is replaced while we run."""

    async def measure() -> None:
        if nats.ca:
            issuers = x509.load_pem_x509_certificates(await asyncio.to_thread(Path(nats.ca).read_bytes))
            CERTIFICATE_EXPIRY.labels("nats").set(min(it.not_valid_after_utc for it in issuers).timestamp())

    return measure
