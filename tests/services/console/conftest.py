"""The console: its configuration, its web application and somebody who asks it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx2
import pytest

from services.console.__main__ import app
from services.console.accounts import Accounts
from services.console.actions import Actions
from services.console.api import Api
from services.console.canaries import Canaries
from services.console.catalogue import Sources
from services.console.catalogue_fetching import Fetching
from services.console.catalogue_imports import Imports
from services.console.chats import Chats
from services.console.copies import Copies
from services.console.dead_letters import DeadLetters
from services.console.directory import Reconciler
from services.console.erasure import Erasures
from services.console.forms import FormDeliveries
from services.console.gap_fill import GapFill
from services.console.knowledge.documents import Documents
from services.console.knowledge.indexing import Indexing
from services.console.lines import Lines
from services.console.mcp import McpServers
from services.console.oidc import open_provider
from services.console.pages.changes import Changes
from services.console.pairing import PairingCodes
from services.console.readiness import Readiness
from services.console.seed import Seed
from services.console.settings import ConsoleSettings
from services.console.setup import open_setup
from services.console.streams import PersonsStreams
from shared.addresses import Pepper
from shared.bus import Bus
from shared.knowledge import Knowledge
from shared.outbound import Allowed, Guard, open_guard
from shared.settings import from_env
from shared.store.data_keys import DataKeys
from shared.store.repepper import Repepper
from shared.store.rewrap import Rewrap
from shared.store.session import Store
from shared.vault import TenantVault, Vault
from tests.fakes.account import FakeAccount

KEY = "console-key-of-this-test-and-no-other"
ACCOUNT = "AC" + "1" * 32
TOKEN = "token-of-this-test"

MakeSettings = Callable[..., ConsoleSettings]
Client = httpx2.AsyncClient
OpenConsole = Callable[[ConsoleSettings], AbstractAsyncContextManager[Client]]


@pytest.fixture
def configured(console_url: str) -> MakeSettings:
    """Return the configuration of a console; `more` is the rest of its environment."""

    def build(more: Mapping[str, str] = {}) -> ConsoleSettings:
        needed = {
            "TRUNKLINE_NATS__URL": "nats://127.0.0.1:1",
            "TRUNKLINE_DB__URL": console_url,
            "TRUNKLINE_KEYS__VAULT": (b"v" * 32).hex(),
            "TRUNKLINE_KEYS__PEPPER": (b"p" * 32).hex(),
            "TRUNKLINE_KEYS__THREAD_PEPPER": (b"t" * 32).hex(),
            "TRUNKLINE_KEYS__CONSOLE": KEY,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_WEBHOOK_URL": "https://gateway.example.org/webhooks/twilio",
        }
        return from_env(ConsoleSettings, {**needed, **more})

    return build


@pytest.fixture
def twilio() -> FakeAccount:
    return FakeAccount()


@pytest.fixture
def gap_fill(console_store: Store, bus: Bus, vault: Vault, pepper: Pepper, twilio: FakeAccount) -> GapFill:
    return GapFill(console_store, bus, {"twilio/whatsapp": twilio}, vault, pepper, Pepper(b"t" * 32))


@pytest.fixture
async def guard() -> AsyncIterator[Guard]:
    async with open_guard(Allowed.of("127.0.0.1", loopback=True)) as calling:
        yield calling


@pytest.fixture
def indexing(console_store: Store, vault: Vault) -> Indexing:
    """A worker that works when a test says so."""
    return Indexing(console_store, vault, owner=1)


@pytest.fixture
def fetching(console_store: Store, vault: Vault, pepper: Pepper, guard: Guard) -> Fetching:
    """A worker that fetches when a test says so."""
    return Fetching(Imports(console_store, vault, pepper), guard)


@pytest.fixture
def opened(  # noqa: PLR0917 - all that a console is made of
    console_store: Store,
    vault: Vault,
    data_keys: DataKeys,
    pepper: Pepper,
    bus: Bus,
    gap_fill: GapFill,
    twilio: FakeAccount,
    guard: Guard,
    indexing: Indexing,
    fetching: Fetching,
) -> OpenConsole:
    """Return a way to ask a console with these settings."""

    @asynccontextmanager
    async def ask(settings: ConsoleSettings) -> AsyncIterator[Client]:
        reconciler = Reconciler(bus, console_store, vault)
        accounts = Accounts(console_store, vault, reconciler)
        api = Api(
            console_store,
            vault,
            settings.keys.console.get_secret_value(),
            codes=PairingCodes(console_store, pepper, settings.code_ttl_ms, settings.code_rate),
            letters=DeadLetters(console_store, bus),
            gap_fill=gap_fill,
            accounts=accounts,
            lines=Lines(
                console_store,
                accounts,
                reconciler,
                {"twilio/whatsapp": twilio},
                settings.webhook_url,
                settings.fallback_url,
            ),
            canaries=Canaries(console_store, accounts, reconciler, {"twilio/whatsapp": twilio}, settings.webhook_url),
            erasures=Erasures(
                console_store,
                pepper,
                PersonsStreams(bus, console_store),
                Copies(accounts, {"twilio/whatsapp": twilio}),
            ),
            rewrap=Rewrap(console_store, Vault({1: b"v" * 32}), TenantVault({1: b"v" * 32}, data_keys), data_keys),
            repepper=Repepper(console_store, vault, pepper),
            pepper=pepper,
            bus=bus,
            readiness=Readiness(
                settings.console.services, {"nats": bus.check, "postgres": console_store.check}, console_store
            ),
            actions=Actions(console_store, vault, guard),
            forms=FormDeliveries(console_store, vault, guard.allowed),
            documents=Documents(console_store, vault, indexing),
            knowledge=Knowledge(console_store),
            sources=Sources(console_store, vault, guard.allowed),
            imports=fetching.imports,
            fetching=fetching,
            servers=McpServers(console_store, vault, guard),
            chats=Chats(console_store, vault, bus, Pepper(b"t" * 32)),
            setup=open_setup(
                console_store,
                vault,
                settings.keys.console.get_secret_value(),
                is_production=settings.environment == "production",
                provider=open_provider(settings, guard),
            ),
        )
        transport = httpx2.ASGITransport(
            app=app(settings, api, Changes(bus, console_store)), raise_app_exceptions=False
        )
        async with Client(transport=transport, base_url="http://console.invalid") as client:
            yield client

    return ask


@pytest.fixture
async def seeded(console_store: Store, vault: Vault, configured: MakeSettings) -> ConsoleSettings:
    """A platform as the console sets it up."""
    settings = configured()
    await Seed(console_store, vault).plant(settings)
    return settings


@pytest.fixture
async def client(opened: OpenConsole, seeded: ConsoleSettings) -> AsyncIterator[Client]:
    async with opened(seeded) as asking:
        yield asking
