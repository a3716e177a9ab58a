"""A stack of chaos's own, in a home and at ports of its own, and what is read from it."""

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dev.embedded import is_free
from shared import keyring
from shared.store.data_keys import wrap_place
from shared.store.sealed import FORM_BODY
from shared.vault import TenantVault, Vault

_ROOT = Path(__file__).parents[2]
_OURS = ("TRUNKLINE_", "TWILIO_", "OPENAI_", "CHANNEL_", "OTEL_")
_PORTS = (8080, 8081, 8082)
_RETRIES = "#rc=5&rp=5xx,ct,rt&ct=2000&rt=4000&tt=15000"
"""Lets Twilio repeat a webhook that failed."""

_CALL_LIMIT = "5"
"""Seconds of one model call, so that a model that hangs is a fault among others and not a pause of all."""

_STALE = 60.0
"""Seconds after which an entry of a log does not change any more."""


class Stack:
    """A stack in a home and at ports of its own."""

    def __init__(self, home: Path, variables: Mapping[str, str]) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        offsets = range(20_000 + os.getpid() % 400 * 10, 24_000, 10)
        offset = next(it for it in offsets if all(is_free(port + it) for port in _PORTS))
        self.home = home
        self._environment = {
            **kept,
            "TRUNKLINE_HOME": str(home),
            "TRUNKLINE_PORT_OFFSET": str(offset),
            "TRUNKLINE_AGENT__CALL_LIMIT": _CALL_LIMIT,
            "TWILIO_WEBHOOK_URL": f"http://127.0.0.1:{_PORTS[0] + offset}/webhooks/twilio{_RETRIES}",
            **variables,
        }

    def run(self, *words: str) -> str:
        """Run a command of ours and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "cli", *words],
            cwd=_ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout

    def status(self) -> dict[str, Any]:
        """Return what runs, as `trunkline status` reads it, without asking each process whether it is ready."""
        state: dict[str, Any] = json.loads((self.home / "run" / "state.json").read_text(encoding="utf-8"))
        return state | {"services": state["parts"]}

    def pids(self, name: str) -> list[int]:
        """Return the process ids of a service."""
        return [part["pid"] for part in self.status()["services"] if part["name"] == name and part["pid"]]

    def simulator(self) -> httpx2.AsyncClient:
        """Return a client for the simulator."""
        return _client(self.status()["simulator_url"])

    def model(self) -> httpx2.AsyncClient:
        """Return a client for the scripted model."""
        return _client(next(part["ops_url"] for part in self.status()["services"] if part["name"] == "model"))

    def forms(self) -> Counter[str]:
        """Return how often each mark's contact form is stored."""
        return stored_forms((self.home / "keys" / "vault").read_text(encoding="utf-8"), self.status()["database_url"])


def stored_forms(vault_key: str, database_url: str) -> Counter[str]:
    """Return how often each mark's contact form is stored in a database."""
    ring = keyring.parse(vault_key)
    with psycopg.connect(database_url) as connection:
        keys = connection.execute("select tenant_id, number, wrapped from data_key").fetchall()
        rows = connection.execute("select id, tenant_id, sealed_body from form_submission").fetchall()
    vault = TenantVault(ring, _Fetched(Vault(ring), {(tenant, number): key for tenant, number, key in keys}))
    texts = [vault.open(sealed, FORM_BODY.at(tenant, form)).decode() for form, tenant, sealed in rows]
    return Counter(text.partition("[")[2].partition("]")[0] for text in texts if "[" in text)


@dataclass(frozen=True)
class _Fetched:
    """All data keys, as they were fetched: to read with."""

    ring: Vault
    wrapped: Mapping[tuple[str, int], bytes]

    def newest(self, tenant: str) -> tuple[int, AESGCM]:
        """Seal nothing."""
        raise NotImplementedError(tenant)

    def find(self, tenant: str, number: int) -> AESGCM | None:
        """Return a data key."""
        wrapped = self.wrapped.get((tenant, number))
        return AESGCM(self.ring.open(wrapped, wrap_place(tenant, number))) if wrapped else None


@contextmanager
def running(replicas: str, variables: Mapping[str, str], keep: Path | None = None) -> Iterator[Stack]:
    """Run a stack for the length of the block, and leave nothing of it but its logs, in the file `keep`."""
    with tempfile.TemporaryDirectory(prefix="trunkline-chaos-") as folder:
        stack = Stack(Path(folder) / "home", variables)
        try:
            stack.run("up", *(("--replicas", replicas) if replicas else ()))
            yield stack
        finally:
            try:
                if keep is not None:
                    _keep_logs(stack, keep)
            finally:
                stack.run("reset", "--yes")


def _keep_logs(stack: Stack, file: Path) -> None:
    stack.run("down")
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w:gz") as packed:
        packed.add(stack.home / "logs", "logs")


@dataclass
class Log:
    """A log that grows, read piece by piece."""

    client: httpx2.AsyncClient
    path: str
    entries: list[dict[str, Any]] = field(default_factory=list)

    async def read(self) -> list[dict[str, Any]]:
        """Return all of it; only what is new, or may have changed, is asked for."""
        newest = self.entries[-1]["at"] if self.entries else 0.0
        settled = next((n for n, it in enumerate(self.entries) if it["at"] > newest - _STALE), len(self.entries))
        fresh = (await self.client.get(self.path, params={"after": settled})).json()
        self.entries[settled:] = fresh
        return self.entries


def _client(url: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False)
