"""Composition root of the router."""

import asyncio
import os
from datetime import timedelta

from services.router.handlers import Router
from services.router.intake import Intake
from services.router.ratelimit import RateLimit
from services.router.settings import RouterSettings
from services.router.store import Desk
from shared.addresses import Pepper
from shared.bus import open_bus
from shared.ops import ops_app, serving
from shared.process import background, not_stopping, run
from shared.settings import from_env
from shared.store.data_keys import DataKeys
from shared.store.session import TRANSACTION_LIMIT, open_store
from shared.telemetry import SERVICE_READY, log
from shared.topology import ROUTER
from shared.vault import TenantVault, Vault


async def main(settings: RouterSettings, stopping: asyncio.Event) -> None:
    """Route until told to stop."""
    data_keys = DataKeys(Vault(settings.keys.vault_ring))
    vault = TenantVault(settings.keys.vault_ring, data_keys)
    pepper = Pepper.of(settings.keys.pepper_ring)
    async with (
        open_bus(settings.nats, "router") as bus,
        open_store(
            settings.db.url.get_secret_value(),
            settings.db.pool,
            "router",
            data_keys,
            transaction_limit=TRANSACTION_LIMIT,
        ) as store,
    ):
        intake = Intake(RateLimit(settings.rate_limit, settings.rate_window), timedelta(seconds=settings.burst_limit))
        router = Router(bus, Desk(store, vault, pepper), intake, vault)
        bus.on(ROUTER, router.on_inbound, workers=settings.router.workers)
        checks = {"process": not_stopping(stopping), "nats": bus.check, "postgres": store.check}
        async with serving(ops_app(checks, bus.measure, store.measure), settings.ops.host, settings.ops.port):
            await bus.consume()
            async with background(bus.watch_durables()):
                log.info(SERVICE_READY)
                await stopping.wait()
            await bus.stop_consuming()


if __name__ == "__main__":
    loaded = from_env(RouterSettings, os.environ)
    run("router", loaded, lambda stopping: main(loaded, stopping))
