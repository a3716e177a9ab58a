"""One service at a time, with real NATS and Postgres; the service's own login, held to its grants and to its tenants."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from dev.embedded import NatsServer, PostgresServer
from shared.addresses import Pepper
from shared.bus import Bus, open_bus
from shared.store.data_keys import DataKeys
from shared.store.session import Store, open_store
from shared.vault import TenantVault, Vault
from tests.conftest import PASSWORD
from tests.services.desk import Platform


@pytest.fixture
async def bus(nats: NatsServer) -> AsyncIterator[Bus]:
    async with open_bus(nats.url, "test") as opened:
        yield opened


@pytest.fixture
def data_keys() -> DataKeys:
    return DataKeys(Vault({1: b"v" * 32}))


@pytest.fixture
def vault(data_keys: DataKeys) -> Vault:
    """The vault of a service with a database: rows are sealed by their tenant's data key."""
    return TenantVault({1: b"v" * 32}, data_keys)


@pytest.fixture
async def store(database_url: str, data_keys: DataKeys) -> AsyncIterator[Store]:
    """The database as its owner sees it: for what a test prepares and looks at, never for a service."""
    async with open_store(database_url, 10, "test", data_keys) as opened:
        yield opened


@pytest.fixture
def platform(store: Store, vault: Vault, pepper: Pepper) -> Platform:
    """An empty platform; `plant` fills it."""
    return Platform(store, vault, pepper)


@pytest.fixture
async def router_store(postgres: PostgresServer, database_url: str, data_keys: DataKeys) -> AsyncIterator[Store]:
    async with open_store(_as("router", postgres, database_url), 10, "router", data_keys) as opened:
        yield opened


@pytest.fixture
async def agent_store(postgres: PostgresServer, database_url: str, data_keys: DataKeys) -> AsyncIterator[Store]:
    async with open_store(_as("agent", postgres, database_url), 10, "agent", data_keys) as opened:
        yield opened


@pytest.fixture
async def egress_store(postgres: PostgresServer, database_url: str, data_keys: DataKeys) -> AsyncIterator[Store]:
    async with open_store(_as("egress", postgres, database_url), 10, "egress", data_keys) as opened:
        yield opened


@pytest.fixture
def console_url(postgres: PostgresServer, database_url: str) -> str:
    return _as("console", postgres, database_url)


@pytest.fixture
async def console_store(console_url: str, data_keys: DataKeys) -> AsyncIterator[Store]:
    async with open_store(console_url, 10, "console", data_keys) as opened:
        yield opened


def _as(service: str, postgres: PostgresServer, database_url: str) -> str:
    return postgres.url_for(service, PASSWORD, urlsplit(database_url).path[1:])
