"""Composition root of ingress."""

import asyncio
import os

from services.ingress.directory import Directory
from services.ingress.gauges import certificates, nats_store
from services.ingress.intake import Intake
from services.ingress.readiness import durable_streams
from services.ingress.settings import IngressSettings
from services.ingress.webhook import WebhookApp
from shared.addresses import Pepper
from shared.bus import open_bus
from shared.channels.inbound import inbound_channels
from shared.ops import Measure, ops_app, serving
from shared.process import background, not_stopping, run
from shared.settings import from_env
from shared.telemetry import SERVICE_READY, log
from shared.topology import INBOUND, STATUS
from shared.vault import Vault


async def main(settings: IngressSettings, stopping: asyncio.Event) -> None:
    """Take webhooks until told to stop."""
    vault = Vault(settings.keys.vault_ring)
    thread_pepper = Pepper(settings.keys.thread_pepper_key)
    reconnected = asyncio.Event()

    async def on_back() -> None:
        reconnected.set()

    async with open_bus(settings.nats, "ingress", on_back) as bus:
        directory = Directory(bus.config, vault, stale=reconnected)
        await bus.config.watch(directory.changed)
        app = WebhookApp(
            inbound_channels(settings.webhook_url), directory, Intake(bus, directory, vault, thread_pepper)
        )
        measures: list[Measure] = certificates(settings.nats)
        checks = {"process": not_stopping(stopping), "nats": bus.check, "config": directory.check}
        if settings.nats.monitor_url:
            checks["durability"] = durable_streams(settings.nats.monitor_url, (INBOUND, STATUS))
            measures.append(nats_store(settings.nats.monitor_url))
        async with (
            background(directory.keep_fresh()),
            serving(app, settings.ingress.host, settings.ingress.port),
            # last, since ready means that webhooks are taken
            serving(ops_app(checks, *measures), settings.ops.host, settings.ops.port),
        ):
            log.info(SERVICE_READY)
            await stopping.wait()


if __name__ == "__main__":
    loaded = from_env(IngressSettings, os.environ)
    run("ingress", loaded, lambda stopping: main(loaded, stopping))
