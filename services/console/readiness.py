"""How the services and their servers do, and whether our clock is the database's."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from ssl import SSLContext

import httpx2
from psycopg import Error
from psycopg_pool import PoolTimeout
from pydantic import BaseModel

from shared.ops import Check
from shared.store.session import EVERY_TENANT, Store

_PROBE_LIMIT = 2.0


class _Report(BaseModel):
    """What a service says of itself at `/readyz`."""

    checks: dict[str, str]


@dataclass(frozen=True)
class State:
    """How a service does. `word` is Ready, Not ready or Down. `checks`: what it needs, and what is wrong with that."""

    name: str
    word: str
    checks: Mapping[str, str]

    @property
    def is_ready(self) -> bool:
        """Tell whether the service is ready."""
        return self.word == "Ready"


async def ask_all(services: Mapping[str, str]) -> list[State]:
    """Ask each service at its ops URL."""
    async with httpx2.AsyncClient(timeout=_PROBE_LIMIT, trust_env=False, verify=_trusted()) as client:
        return await asyncio.gather(*(_ask(client, name, url) for name, url in services.items()))


@cache
def _trusted() -> SSLContext:
    """Return whose certificates count. Reading them takes longer than all the rest of asking."""
    return httpx2.create_ssl_context(trust_env=False)


@dataclass(frozen=True)
class Readiness:
    """Asks. `services`: ops URLs by name. `checks`: the console's own, as its ops port asks them."""

    services: Mapping[str, str]
    checks: Mapping[str, Check]
    store: Store

    async def states(self) -> list[State]:
        """Return how the console and every service do."""
        own, others = await asyncio.gather(self._own(), ask_all(self.services))
        return [own, *others]

    async def clock_ahead(self) -> float | None:
        """Return by how many seconds our clock is ahead of the database's; None where that does not answer."""
        try:
            async with asyncio.timeout(_PROBE_LIMIT), self.store.connection(EVERY_TENANT) as connection:
                before = datetime.now(UTC)
                row = await (await connection.execute("select clock_timestamp() as now")).fetchone()
                after = datetime.now(UTC)
        except (Error, PoolTimeout, TimeoutError):
            return None
        assert row is not None, "a select of one value has a row"  # noqa: S101
        ahead: timedelta = before + (after - before) / 2 - row["now"]
        return ahead.total_seconds()

    async def _own(self) -> State:
        names = list(self.checks)
        told = await asyncio.gather(*(_checked(self.checks[name]) for name in names))
        found = {name: wrong or "ok" for name, wrong in zip(names, told, strict=True)}
        return State("console", "Not ready" if any(told) else "Ready", found)


async def _checked(check: Check) -> str | None:
    try:
        async with asyncio.timeout(_PROBE_LIMIT):
            return await check()
    except Exception as error:  # noqa: BLE001 - whatever it raises, the answer is no
        return type(error).__name__


async def _ask(client: httpx2.AsyncClient, name: str, url: str) -> State:
    try:
        answer = await client.get(f"{url}/readyz")
        report = _Report.model_validate_json(answer.content)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError):
        return State(name, "Down", {})
    return State(name, "Ready" if answer.status_code == httpx2.codes.OK else "Not ready", report.checks)
