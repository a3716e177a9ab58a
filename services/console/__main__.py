"""Composition root of the console."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import stamina
import uvicorn
from fastapi import FastAPI
from stamina.instrumentation import set_on_retry_hooks

from services.console import privacy, retention, rollups
from services.console.accounts import Accounts
from services.console.actions import Actions
from services.console.api import Api, application
from services.console.catalogue import Sources
from services.console.catalogue_fetching import FEED_BYTES, FEED_LIMIT, Fetching
from services.console.catalogue_imports import Imports
from services.console.chats import Chats
from services.console.copies import Copies
from services.console.dead_letters import DeadLetters
from services.console.directory import Reconciler
from services.console.erasure import SWEEP, Erasures
from services.console.forms import FormDeliveries
from services.console.gap_fill import GapFill
from services.console.gauges import certificates, housekeeping
from services.console.job import repeated
from services.console.knowledge.documents import Documents
from services.console.knowledge.indexing import Indexing
from services.console.lines import Lines
from services.console.mcp import McpServers
from services.console.pages import Pages
from services.console.pages.changes import Changes
from services.console.pairing import PairingCodes
from services.console.privacy import Privacy
from services.console.readiness import Readiness
from services.console.retention import Retention
from services.console.rollups import Rollups
from services.console.seed import Seed
from services.console.settings import ConsoleSettings
from services.console.setup import open_setup
from services.console.streams import PersonsStreams
from shared.addresses import Pepper
from shared.bus import open_bus
from shared.channels.account import open_accounts
from shared.knowledge import Knowledge, open_embedder
from shared.ops import Measure, ops_app, serving
from shared.outbound import open_guard
from shared.process import background, not_stopping, run
from shared.settings import from_env
from shared.store.data_keys import DataKeys
from shared.store.presence import presence
from shared.store.repepper import Repepper
from shared.store.rewrap import Rewrap
from shared.store.session import open_store
from shared.telemetry import SERVICE_READY, log, tell_retry
from shared.topology import ADVISORIES
from shared.vault import TenantVault, Vault

_FINISH_LIMIT = 5
"""Seconds that running requests are given at the end."""


class Server(uvicorn.Server):
    """Leaves the signals to this process."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ended = asyncio.Event()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until `end`."""
        try:
            await super().serve(sockets)
        finally:
            self._ended.set()

    async def end(self) -> None:
        """Take nothing more, and wait until what was asked is answered."""
        self.should_exit = True
        await self._ended.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def app(settings: ConsoleSettings, api: Api, changes: Changes) -> FastAPI:
    """Return the console's web application."""
    web = application()
    api.install(web)
    Pages(api, settings, changes).install(web)
    return web


async def main(settings: ConsoleSettings, stopping: asyncio.Event) -> None:
    """Serve until told to stop."""
    set_on_retry_hooks([tell_retry])
    data_keys = DataKeys(Vault(settings.keys.vault_ring))
    vault = TenantVault(settings.keys.vault_ring, data_keys)
    pepper = Pepper.of(settings.keys.pepper_ring)
    thread_pepper = Pepper(settings.keys.thread_pepper_key)
    database = settings.db.url.get_secret_value()
    async with (
        open_bus(settings.nats, "console") as bus,
        open_store(database, settings.db.pool, "console", data_keys) as store,
        presence(database) as owner,
        open_accounts(settings.twilio_api_base, local=settings.environment == "local") as accounts,
        open_guard(settings.allowed) as guard,
        open_guard(settings.allowed, limit=FEED_LIMIT, most=FEED_BYTES) as feed_guard,
        open_embedder(settings.embeddings) as embedder,
    ):
        async for again in stamina.retry_context(on=Exception, timeout=None, attempts=None, wait_max=2.0):
            with again:
                await Seed(store, vault).plant(settings)
        checks = {"process": not_stopping(stopping), "nats": bus.check, "postgres": store.check}
        reconciler = Reconciler(bus, store, vault)
        letters, own_accounts = DeadLetters(store, bus), Accounts(store, vault, reconciler)
        repepper = Repepper(store, vault, pepper)
        indexing = Indexing(store, vault, owner, embedder)
        imports = Imports(store, vault, pepper)
        fetching = Fetching(imports, feed_guard)
        rewrap = Rewrap(store, Vault(settings.keys.vault_ring), vault, data_keys)
        erasures = Erasures(store, pepper, PersonsStreams(bus, store), Copies(own_accounts, accounts))
        api = Api(
            store,
            vault,
            settings.keys.console.get_secret_value(),
            codes=PairingCodes(store, pepper, settings.code_ttl_ms, settings.code_rate),
            letters=letters,
            gap_fill=GapFill(store, bus, accounts, vault, pepper, thread_pepper),
            accounts=own_accounts,
            lines=Lines(store, own_accounts, reconciler, accounts, settings.webhook_url),
            erasures=erasures,
            rewrap=rewrap,
            repepper=repepper,
            pepper=pepper,
            bus=bus,
            readiness=Readiness(settings.console.services, checks, store),
            actions=Actions(store, vault, guard),
            forms=FormDeliveries(store, vault, settings.allowed),
            documents=Documents(store, vault, indexing, settings.console.language),
            knowledge=Knowledge(store, embedder),
            sources=Sources(store, vault, settings.allowed),
            imports=imports,
            fetching=fetching,
            servers=McpServers(store, vault, guard),
            setup=open_setup(
                store,
                vault,
                settings.keys.console.get_secret_value(),
                is_production=settings.environment == "production",
            ),
            chats=Chats(store, vault, bus, thread_pepper),
        )
        changes = Changes(bus, store)
        bus.on(ADVISORIES, letters.on_given_up, workers=1)
        server = Server(
            uvicorn.Config(
                app(settings, api, changes),
                host=settings.console.host,
                port=settings.console.port,
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=_FINISH_LIMIT,
            )
        )
        ends = certificates(database, settings.webhook_url)
        measures: list[Measure] = [store.measure, housekeeping(store), *ends]
        async with (
            serving(ops_app(checks, *measures), settings.ops.host, settings.ops.port),
            background(
                reconciler.keep(),
                rewrap.keep(),
                repepper.keep(),
                repeated(Privacy(store).run, privacy.EVERY),
                repeated(Retention(store).run, retention.EVERY),
                repeated(erasures.sweep, SWEEP),
                repeated(Rollups(store).run, rollups.EVERY),
                repeated(Rollups(store).expire, retention.EVERY),
                indexing.keep(),
                fetching.keep(),
                bus.watch_durables(),
                changes.keep(),
                server.serve(),
            ),
        ):
            await bus.consume()
            log.info(SERVICE_READY)
            await stopping.wait()
            changes.stop()
            await server.end()
        await bus.stop_consuming()


if __name__ == "__main__":
    loaded = from_env(ConsoleSettings, os.environ)
    run("console", loaded, lambda stopping: main(loaded, stopping))
