"""Composition root of the console."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import stamina
import uvicorn
from fastapi import FastAPI
from stamina.instrumentation import set_on_retry_hooks

from services.console import canaries, privacy, retention, rollups
from services.console.accounts import Accounts
from services.console.actions import Actions
from services.console.api import Api, application
from services.console.canaries import Canaries
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
from services.console.oidc import open_provider
from services.console.pages import Pages
from services.console.pages.changes import Changes
from services.console.pairing import PairingCodes
from services.console.privacy import Privacy
from services.console.probes import Probes
from services.console.readiness import Readiness
from services.console.retention import Retention
from services.console.rollups import Rollups
from services.console.seed import Seed
from services.console.settings import ConsoleSettings
from services.console.setup import open_setup
from services.console.streams import PersonsStreams
from shared.addresses import Pepper
from shared.bus import Bus, open_bus
from shared.channels.account import open_accounts
from shared.channels.ports import Account
from shared.knowledge import Embedder, Knowledge, open_embedder
from shared.ops import Check, ops_app, serving
from shared.outbound import Guard, open_guard
from shared.process import background, not_stopping, run
from shared.settings import from_env
from shared.store.data_keys import DataKeys
from shared.store.presence import presence
from shared.store.repepper import Repepper
from shared.store.rewrap import Rewrap
from shared.store.session import Store, open_store
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
    web.add_middleware(Probes, store=api.store)
    api.install(web)
    Pages(api, settings, changes).install(web)
    return web


@dataclass(frozen=True)
class Held:
    """
    What the console holds while it runs: connections, and the keys that it seals with.

    `owner`: the lock that proves its life. `feeds`: the guard for what tenants have imported, which may be large.
    """

    bus: Bus
    store: Store
    owner: int
    accounts: Mapping[str, Account]
    guard: Guard
    feeds: Guard
    embedder: Embedder | None
    data_keys: DataKeys
    vault: TenantVault


@asynccontextmanager
async def held(settings: ConsoleSettings) -> AsyncIterator[Held]:
    """Hold everything for the length of the block."""
    data_keys = DataKeys(Vault(settings.keys.vault_ring))
    database = settings.db.url.get_secret_value()
    async with (
        open_bus(settings.nats, "console") as bus,
        open_store(database, settings.db.pool, "console", data_keys) as store,
        presence(database) as owner,
        open_accounts(settings.twilio_api_base, local=settings.environment == "local") as accounts,
        open_guard(settings.allowed) as guard,
        open_guard(settings.allowed, limit=FEED_LIMIT, most=FEED_BYTES) as feeds,
        open_embedder(settings.embeddings) as embedder,
    ):
        vault = TenantVault(settings.keys.vault_ring, data_keys)
        yield Held(bus, store, owner, accounts, guard, feeds, embedder, data_keys, vault)


def composed(settings: ConsoleSettings, has: Held, checks: Mapping[str, Check]) -> Api:
    """Return the collaborators of API and pages."""
    store, bus, vault = has.store, has.bus, has.vault
    pepper, thread_pepper = Pepper.of(settings.keys.pepper_ring), Pepper(settings.keys.thread_pepper_key)
    reconciler, ring = Reconciler(bus, store, vault), Vault(settings.keys.vault_ring)
    accounts, imports = Accounts(store, vault, reconciler), Imports(store, vault, pepper)
    console_key = settings.keys.console.get_secret_value()
    return Api(
        store,
        vault,
        console_key,
        codes=PairingCodes(store, pepper, settings.code_ttl_ms, settings.code_rate),
        letters=DeadLetters(store, bus),
        gap_fill=GapFill(store, bus, has.accounts, vault, pepper, thread_pepper),
        accounts=accounts,
        lines=Lines(store, accounts, reconciler, has.accounts, settings.webhook_url, settings.fallback_url),
        canaries=Canaries(store, accounts, reconciler, has.accounts, settings.webhook_url),
        erasures=Erasures(store, pepper, PersonsStreams(bus, store), Copies(accounts, has.accounts)),
        rewrap=Rewrap(store, ring, vault, has.data_keys),
        repepper=Repepper(store, vault, pepper),
        pepper=pepper,
        bus=bus,
        readiness=Readiness(settings.console.services, checks, store),
        actions=Actions(store, vault, has.guard),
        forms=FormDeliveries(store, vault, settings.allowed),
        documents=Documents(store, vault, Indexing(store, vault, has.owner, has.embedder), settings.console.language),
        knowledge=Knowledge(store, has.embedder),
        sources=Sources(store, vault, settings.allowed),
        imports=imports,
        fetching=Fetching(imports, has.feeds),
        servers=McpServers(store, vault, has.guard),
        setup=open_setup(
            store,
            vault,
            console_key,
            is_production=settings.environment == "production",
            provider=open_provider(settings, has.guard),
        ),
        chats=Chats(store, vault, bus, thread_pepper),
    )


def jobs(api: Api) -> Iterator[Coroutine[Any, Any, None]]:
    """Return what runs for as long as the console does, each job alone among all replicas where that matters."""
    yield api.accounts.directory.keep()
    yield api.rewrap.keep()
    yield api.repepper.keep()
    yield repeated(Privacy(api.store).run, privacy.EVERY)
    yield repeated(Retention(api.store).run, retention.EVERY)
    yield repeated(api.erasures.sweep, SWEEP)
    yield repeated(Rollups(api.store).run, rollups.EVERY)
    yield repeated(Rollups(api.store).count_people, rollups.PEOPLE_EVERY)
    yield repeated(Rollups(api.store).expire, retention.EVERY)
    yield repeated(api.canaries.settle, canaries.SETTLE)
    yield api.documents.indexing.keep()
    yield api.fetching.keep()
    yield api.bus.watch_durables()


async def planted(settings: ConsoleSettings, has: Held) -> None:
    """Have the platform set up, however long the database takes to be there."""
    async for again in stamina.retry_context(on=Exception, timeout=None, attempts=None, wait_max=2.0):
        with again:
            await Seed(has.store, has.vault).plant(settings)


def web_server(settings: ConsoleSettings, web: FastAPI) -> Server:
    """Return the server. Where a request came from is told by the peer, and by a header only where that is a trusted proxy."""
    proxies = settings.console.proxies
    return Server(
        uvicorn.Config(
            web,
            host=settings.console.host,
            port=settings.console.port,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=_FINISH_LIMIT,
            proxy_headers=proxies is not None,
            forwarded_allow_ips=proxies,
        )
    )


async def main(settings: ConsoleSettings, stopping: asyncio.Event) -> None:
    """Serve until told to stop."""
    set_on_retry_hooks([tell_retry])
    async with held(settings) as has:
        await planted(settings, has)
        checks = {"process": not_stopping(stopping), "nats": has.bus.check, "postgres": has.store.check}
        api, changes = composed(settings, has, checks), Changes(has.bus, has.store)
        server = web_server(settings, app(settings, api, changes))
        has.bus.on(ADVISORIES, api.letters.on_given_up, workers=1)
        ends = certificates(settings.db.url.get_secret_value(), settings.webhook_url)
        ops = ops_app(checks, has.store.measure, housekeeping(has.store), api.canaries.measure, *ends)
        async with (
            serving(ops, settings.ops.host, settings.ops.port),
            background(*jobs(api), changes.keep(), server.serve()),
        ):
            await has.bus.consume()
            log.info(SERVICE_READY)
            await stopping.wait()
            changes.stop()
            await server.end()
        await has.bus.stop_consuming()


if __name__ == "__main__":
    loaded = from_env(ConsoleSettings, os.environ)
    run("console", loaded, lambda stopping: main(loaded, stopping))
