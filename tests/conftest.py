"""What every test may ask for: real servers from wheels, fresh for each test."""

import gc
import getpass
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from psycopg import sql
from xdist.scheduler import LoadScopeScheduling

from dev.embedded import NatsServer, PostgresServer, nats_server, postgres_server
from shared import telemetry
from shared.addresses import Pepper
from shared.bus import apply_topology
from shared.store.migrations import upgrade
from shared.store.session import Store, open_store
from shared.vault import Vault
from tests.leftovers import sweep

GROUPS = {
    "tests/browser/test_journey.py": "whole stacks",
    "tests/chaos/": "whole stacks",
    "tests/journeys/": "whole stacks",
    "tests/stack/": "whole stacks",
    "tests/browser/": "browser",
}
"""
By the beginning of their names: tests that run every process, one after another, since two cores are too few for two such
stacks; and those of pages, which share a browser. Any other runs beside them.
"""

_TEMPLATE = "trunkline_template"

SERVICES_WITH_DATABASE = ("router", "agent", "egress", "console")
PASSWORD = "password-of-every-service-in-these-tests"


_MEMORY = Path("/dev/shm")
_ENOUGH = 4 << 30
"""Bytes. The stacks and databases of a whole run have come to less than half of it."""


def pytest_configure(config: pytest.Config) -> None:
    """Keep what tests write in memory, where there is enough of it: each copies a database, and all that we run syncs."""
    if _MEMORY.is_dir() and not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC and shutil.disk_usage(_MEMORY).free > _ENOUGH:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))
        sweep(_MEMORY / f"pytest-of-{getpass.getuser()}")


def group_of(nodeid: str) -> str:
    """Return which group a test belongs to; one of its own where it is in none."""
    return next((group for beginning, group in GROUPS.items() if nodeid.startswith(beginning)), nodeid)


class Grouping(LoadScopeScheduling):  # type: ignore[misc]  # the plugin has no types
    """Gives a group to one process, the largest first, and any other test to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Grouping:
    """Group by name: since pytest 9.2 the plugin's own marks of groups change nothing, and say nothing of it."""
    return Grouping(config, log)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let what is imported by now be no garbage for good: a quarter of a console test went into looking at it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with postgres_server(
        tmp_path_factory.mktemp("postgres"), settings={"fsync": "off", "scram_iterations": "1"}
    ) as server:
        upgrade(server.create_database(_TEMPLATE))
        for service in SERVICES_WITH_DATABASE:
            server.let_in(service, PASSWORD, f"trunkline_{service}")
        _hash_owners_password_anew(server)
        yield server


def _hash_owners_password_anew(server: PostgresServer) -> None:
    """In one round as well: it was set before the server had these settings, and each test logs in a few times."""
    address = urlsplit(server.url)
    with psycopg.connect(server.url, autocommit=True) as owner:
        statement = sql.SQL("alter role {} password {}")
        owner.execute(statement.format(sql.Identifier(str(address.username)), sql.Literal(str(address.password))))


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


@pytest.fixture(scope="session")
def empty_streams(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a NATS server keeps that has every stream: copied, they are there sooner than made."""
    with nats_server(tmp_path_factory.mktemp("nats")) as server:
        apply_topology(server.url)
    return server.directory / "jetstream"


@pytest.fixture
def nats(tmp_path: Path, empty_streams: Path) -> Iterator[NatsServer]:
    """A NATS server of the test's own, with every stream."""
    shutil.copytree(empty_streams, tmp_path / "nats" / "jetstream")
    with nats_server(tmp_path / "nats") as server:
        yield server
        server.kill()  # nobody will read what it keeps


@pytest.fixture
def vault() -> Vault:
    return Vault({1: b"v" * 32})


@pytest.fixture
def pepper() -> Pepper:
    return Pepper(b"p" * 32)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Every span of the test: our tracer as it is, with an exporter that keeps them."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "tracer", provider.get_tracer("test"))
    return exporter
