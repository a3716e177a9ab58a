"""Postgres, embedded."""

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from dev.embedded import databases, quarters
from dev.embedded.ports import LOOPBACK
from dev.embedded.process import Command, Process, StartFailed, await_ready
from dev.embedded.quarters import Quarters
from dev.embedded.server import EmbeddedServer

USER = "app"
DATABASE = "trunkline"
_MAINTENANCE = "postgres"

# A small footprint, and nothing taken from durability. No socket file: its path would have a length limit.
_SETTINGS: Mapping[str, str] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "io_method": "sync",
    "autovacuum_max_workers": "1",
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "jit": "off",
    "huge_pages": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_INITDB = ("-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions")

# The last server of this data has been killed and is on its way out.
_LEAVING = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')
_PAUSE = 0.1


class PostgresServer(EmbeddedServer):
    """
    A Postgres server on loopback with one superuser, password by SCRAM.

    Everything is kept below `directory`, apart from what the server's own account could not reach there when we are root. A
    restart keeps the port, the password and the data. `settings` are put over the default ones.
    """

    name = "postgres"
    ends_in_order_on = signal.SIGINT
    """Which ends what is connected, too."""
    grace = 20.0

    def __init__(
        self,
        directory: Path,
        *,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        super().__init__(directory, port, log)
        self._settings = {**_SETTINGS, "port": str(self.port), **(settings or {})}
        self._password = ""

    @property
    def url(self) -> str:
        """Where the default database is, password included."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """Return the address of one of this server's databases."""
        return f"postgresql://{USER}:{self._secret()}@{LOOPBACK}:{self.port}/{database}"

    def url_for(self, login: str, password: str, database: str = DATABASE) -> str:
        """Return the address of a database for somebody who is not the superuser."""
        return f"postgresql://{login}:{password}@{LOOPBACK}:{self.port}/{database}"

    def let_in(self, login: str, password: str, group: str) -> None:
        """Make a login, or renew its password; it may do what the group may."""
        databases.let_in(self.url_of(_MAINTENANCE), login, password, group)

    def start(self, seconds: float = 30.0) -> None:
        """
        Start, on first use make the data, and wait until queries are answered.

        Raises:
            StartFailed: it ended, or was not ready in time.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        place = quarters.prepare(self.directory)
        self._make_data(place)
        deadline = time.monotonic() + seconds
        while not self._try_start(place, deadline):
            time.sleep(_PAUSE)
        self.create_database(DATABASE)

    def is_ready(self) -> bool:
        """Tell whether a query is answered."""
        return databases.answers(self.url_of(_MAINTENANCE), seconds=2)

    def create_database(self, name: str, template: str | None = None) -> str:
        """Make a database unless it exists, as a copy of `template` if given; return its address."""
        databases.create(self.url_of(_MAINTENANCE), name, template or "template1")
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, and whoever is connected to it."""
        databases.drop(self.url_of(_MAINTENANCE), name)

    def remove(self) -> None:
        """Stop, and delete the data wherever it is."""
        self.stop()
        quarters.abandon(self.directory)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _try_start(self, place: Quarters, deadline: float) -> bool:
        """Start once; False if the server before has yet to leave."""
        seen = self.log.stat().st_size if self.log.exists() else 0
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        argv = [str(place.programs / "bin/postgres"), "-D", str(place.cell / "data"), *options]
        # SIGQUIT, when we are killed: it ends at once together with its own children, and recovers at the next start.
        command = Command(argv, _environment(), Path("/"), self.log, place.account, signal.SIGQUIT)
        self._process = process = Process(command)
        if await_ready(process, self.is_ready, deadline - time.monotonic()):
            return True
        process.kill()
        self._process = None
        with self.log.open("rb") as log:
            log.seek(seen)
            said = log.read().decode(errors="replace")
        if time.monotonic() < deadline and any(sign in said for sign in _LEAVING):
            return False
        raise StartFailed(self.name, self.log)

    def _secret(self) -> str:
        file = self.directory / "password"
        if not self._password:
            if not file.exists():
                self.directory.mkdir(parents=True, exist_ok=True)
                with open(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w", encoding="utf-8") as fresh:
                    fresh.write(secrets.token_hex(24))
            self._password = file.read_text(encoding="utf-8")
        return self._password

    def _make_data(self, place: Quarters) -> None:
        """Run initdb beside the final place, so that half-made data is never taken for data."""
        data, fresh, password = place.cell / "data", place.cell / "data.new", place.cell / "password.new"
        if data.exists():
            return
        shutil.rmtree(fresh, ignore_errors=True)
        password.unlink(missing_ok=True)
        with open(os.open(password, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w", encoding="utf-8") as note:
            note.write(self._secret())
        if place.account:
            os.chown(password, place.account.uid, place.account.gid)
        try:
            self._initdb(place, fresh, password)
        finally:
            password.unlink()
        fresh.rename(data)

    def _initdb(self, place: Quarters, fresh: Path, password: Path) -> None:
        argv = [str(place.programs / "bin/initdb"), "-U", USER, "--pwfile", str(password), "-D", str(fresh), *_INITDB]
        with self.log.open("ab") as log:
            done = subprocess.run(
                argv,
                env=_environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
                user=place.account.uid if place.account else None,
                group=place.account.gid if place.account else None,
                extra_groups=[] if place.account else None,
            )
        if done.returncode != 0:
            raise StartFailed(self.name, self.log)


def _environment() -> dict[str, str]:
    """Return what the programs need; nothing of the caller's own Postgres settings (PGDATA, PGPORT, …)."""
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}


def postgres_server(directory: Path, *, settings: Mapping[str, str] | None = None) -> PostgresServer:
    """
    Return a server for `with` or `async with`, which starts and stops it.

    For tests: what had to move out of `directory` is deleted at the end, or at a later start once `directory` is gone.
    """
    return _Temporary(directory, settings=settings)


class _Temporary(PostgresServer):
    def leave(self) -> None:
        super().leave()
        quarters.abandon(self.directory)
