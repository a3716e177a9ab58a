"""What every test may ask for: real servers from wheels, fresh for each test."""

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from dev.embedded import NatsServer, PostgresServer, nats_server, postgres_server
from shared.addresses import Pepper
from shared.bus import apply_topology
from shared.store.migrations import upgrade
from shared.store.session import Store, open_store
from shared.vault import Vault

WHOLE_STACKS = ("browser", "chaos", "journeys", "stack")
"""Tests that run every process: one after another, while those of single services run beside them."""

_TEMPLATE = "trunkline_template"

SERVICES_WITH_DATABASE = ("router", "agent", "egress", "console")
PASSWORD = "password-of-every-service-in-these-tests"


@pytest.hookimpl(tryfirst=True)  # before the plugin that reads these marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep whole stacks from running side by side: two cores are too few for two of them."""
    for item in items:
        if item.path.relative_to(item.config.rootpath).parts[1] in WHOLE_STACKS:
            item.add_marker(pytest.mark.xdist_group("whole stacks"))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with postgres_server(tmp_path_factory.mktemp("postgres"), settings={"fsync": "off"}) as server:
        upgrade(server.create_database(_TEMPLATE))
        for service in SERVICES_WITH_DATABASE:
            server.let_in(service, PASSWORD, f"trunkline_{service}")
        yield server


@pytest.fixture
def database_url(postgres: PostgresServer) -> Iterator[str]:
    """A migrated database of the test's own."""
    name = f"test_{secrets.token_hex(6)}"
    yield postgres.create_database(name, _TEMPLATE)
    postgres.drop_database(name)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """The database as its owner sees it: for what a test prepares and looks at, never for a service."""
    async with open_store(database_url, 10, "test") as opened:
        yield opened


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    """A NATS server of the test's own, with every stream."""
    with nats_server(tmp_path / "nats") as server:
        apply_topology(server.url)
        yield server


@pytest.fixture
def vault() -> Vault:
    return Vault({1: b"v" * 32})


@pytest.fixture
def pepper() -> Pepper:
    return Pepper(b"p" * 32)
