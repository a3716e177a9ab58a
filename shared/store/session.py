"""
The unit of work: one message, one short transaction, which names the tenants whose rows it may see.

Row-level security shows a service no other row (ADR 12). A transaction that names nobody sees only what belongs to nobody.
"""

import logging
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any, LiteralString, Protocol

import psycopg
from opentelemetry.trace import SpanKind
from psycopg.abc import Params
from psycopg.pq import PipelineStatus, TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from shared import faultpoints
from shared.failures import Later
from shared.ids import TenantId
from shared.metrics import CLOCK_SKEW, POOL, POOL_LIMIT, POOL_WAITING
from shared.store.turns import Turns
from shared.telemetry import inner_span

Connection = psycopg.AsyncConnection[DictRow]

_OPTIONS = "-c statement_timeout=5s -c lock_timeout=1s -c idle_in_transaction_session_timeout=2s -c timezone=UTC -c plan_cache_mode=force_generic_plan -c jit=off"
TRANSACTION_LIMIT = 6.0
"""
Seconds after which the server ends a transaction of a message's way, and the session with it: whoever is paused in the middle of
one holds its thread's row no longer. In a pipeline the server takes nobody for idle; longer than a statement may take.
"""

_CONNECT_LIMIT = 3
_GET_LIMIT = 3.0
_RECONNECT_LIMIT = 2.0
"""Seconds before a failing connection attempt is given up. Short, because the pool backs off exponentially within it,
and every later request for a connection begins anew."""
_BUSY_DELAY = 0.25

EVERY_TENANT = TenantId("*")
"""All tenants at once: for the console's role alone, whose policies know it."""

_SCOPE = "select set_config('trunkline.tenants', %s, %s)"
_CLOCK = "select extract(epoch from clock_timestamp())::float8 as seconds"
_SEEN = "select current_setting('trunkline.tenants') as scope"


class TenantKeys(Protocol):
    """Whoever has to have tenants' data keys at hand before their rows are sealed or opened."""

    def lacking(self, tenants: Collection[str]) -> list[str]:
        """Return whose are to be read."""
        ...

    async def ensure(self, connection: Connection, *tenants: str) -> None:
        """Read, or make, these tenants' keys; the connection sees their rows, and is in no transaction."""
        ...

    async def fetch(self, connection: Connection, *tenants: str) -> None:
        """Read these tenants' keys. Raises `Later` for one who has none yet, and has it the next time."""
        ...


class Store:
    """
    A bounded pool of connections, each with the server-side time limits of a hot path.

    With `keys` the data keys of the tenants that are named are at hand (ADR 11).
    """

    def __init__(self, pool: AsyncConnectionPool[Connection], keys: TenantKeys | None = None) -> None:
        self._pool = pool
        self._turns = Turns(pool.max_size, _GET_LIMIT)
        self._keys = keys

    @asynccontextmanager
    async def connection(self, *tenants: TenantId) -> AsyncIterator[Connection]:
        """
        Lend a connection for single statements, each its own transaction. Raises `Later` as `transaction` does.

        `tenants`: whose rows it may see; beside all, whose data keys are wanted.
        """
        try:
            async with self._lent() as connection:
                await self._fetch_keys(connection, tenants)
                await connection.execute(_SCOPE, (_scope(tenants), False))
                yield connection
        except psycopg.errors.LockNotAvailable as error:
            raise Later(_BUSY_DELAY) from error

    async def rows(self, statement: LiteralString, values: Params, *tenants: TenantId) -> list[DictRow]:
        """
        Return the rows of a single statement, which is its own transaction, in one round trip. Raises `Later` as `transaction` does.

        `tenants`: as of `connection`.
        """
        try:
            async with self._lent() as connection:
                await self._fetch_keys(connection, tenants)
                async with connection.pipeline():  # its end commits: what is between is one transaction of the server's
                    await connection.execute(_SCOPE, (_scope(tenants), True))
                    cursor = await connection.execute(statement, values)
                return await cursor.fetchall()
        except psycopg.errors.LockNotAvailable as error:
            raise Later(_BUSY_DELAY) from error

    @asynccontextmanager
    async def transaction(self, *tenants: TenantId, step: faultpoints.Step | None = None) -> AsyncIterator[Connection]:
        """
        Lend a connection for one transaction. A row that somebody else holds raises `Later`, and so does its time limit.

        `tenants`: whose rows it may see; `widen` changes them. Beside all, whose data keys are wanted.
        Statements are pipelined: what is not read travels with the next that is, at the latest with the commit, and so
        may its error. A count of rows is known only once it is read, as rows of `returning`.
        """
        try:
            with inner_span("transaction", kind=SpanKind.CLIENT, db__system__name="postgresql"):
                async with self._lent() as connection:
                    await self._fetch_keys(connection, tenants)
                    async with _committed(connection):
                        await self.widen(connection, *tenants)
                        yield connection
                        faultpoints.before(step)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.TransactionTimeout) as error:
            raise Later(_BUSY_DELAY) from error
        faultpoints.after(step)

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[Connection]:
        """Lend a connection once it is one's turn: only the database, and not who came before, can be too late with it."""
        async with self._turns.one(), self._pool.connection() as connection:
            yield connection

    async def widen(self, connection: Connection, *tenants: TenantId) -> None:
        """Let the running transaction see the rows of exactly these tenants from here on. Raises `Later` for new data keys."""
        await connection.execute(_SCOPE, (_scope(tenants), True))
        if self._keys is not None:
            await self._keys.fetch(connection, *_named(tenants))

    async def have_keys(self, connection: Connection, *tenants: str) -> None:
        """Have the data keys of tenants at hand whose rows a connection was found to need. In a transaction as `widen` does."""
        if self._keys is None or not self._keys.lacking(_named(tenants)):
            return
        if in_transaction(connection):
            await self._keys.fetch(connection, *_named(tenants))
            return
        seen = await (await connection.execute(_SEEN)).fetchone()
        await self._fetch_keys(connection, tenants)
        await connection.execute(_SCOPE, (seen and seen["scope"], False))

    async def keys_at_hand(self, *tenants: str) -> None:
        """Have the data keys of tenants at hand whose rows were read."""
        if self._keys is not None and self._keys.lacking(_named(tenants)):
            async with self._lent() as connection:
                await self._fetch_keys(connection, tenants)

    async def _fetch_keys(self, connection: Connection, tenants: Collection[str]) -> None:
        if self._keys is not None and (lacking := self._keys.lacking(_named(tenants))):
            await connection.execute(_SCOPE, (_scope(lacking), False))
            await self._keys.ensure(connection, *lacking)

    async def check(self) -> str | None:
        """Readiness: a statement is answered, and the role that we log in as is held to its tenants."""
        async with self._lent() as connection:
            row = await (await connection.execute("select row_security_active('message') as held")).fetchone()
        return None if row and row["held"] else "the database role bypasses row-level security"

    async def measure(self) -> None:
        """Tell of the pool, and how far our clock is from the server's."""
        state = self._pool.get_stats()
        POOL.labels("idle").set(state.get("pool_available", 0))
        POOL.labels("busy").set(state.get("pool_size", 0) - state.get("pool_available", 0))
        POOL_LIMIT.set(state.get("pool_max", 0))
        POOL_WAITING.set(self._turns.waiting + state.get("requests_waiting", 0))
        async with self._lent() as connection:
            began = time.time()
            row = await (await connection.execute(_CLOCK)).fetchone()
            if row is not None:
                CLOCK_SKEW.set((began + time.time()) / 2 - row["seconds"])


@asynccontextmanager
async def _committed(connection: Connection) -> AsyncIterator[None]:
    """
    Let the block be one transaction, which begins in the round trip of its first statement and ends in that of its last.

    psycopg's own waits for the server after `begin`, and before and after `commit`. Where the block fails, the pool rolls back.
    """
    async with connection.pipeline():
        await connection.execute("begin")
        yield
        await connection.execute("commit")


def in_transaction(connection: Connection) -> bool:
    """Tell whether what a connection executes now may yet be rolled back. In a pipeline it may: the server says only at its end."""
    return (
        connection.info.transaction_status is not TransactionStatus.IDLE
        or connection.pgconn.pipeline_status != PipelineStatus.OFF
    )


def _named(tenants: Collection[str]) -> list[str]:
    return [tenant for tenant in tenants if tenant != EVERY_TENANT]


def _scope(tenants: Collection[str]) -> str:
    return EVERY_TENANT if EVERY_TENANT in tenants else ",".join(tenants)


@asynccontextmanager
async def open_store(
    url: str, size: int, name: str, keys: TenantKeys | None = None, *, transaction_limit: float = 0.0
) -> AsyncIterator[Store]:
    """
    Hold a pool for the length of the block. Does not wait for the database: work waits when it is away.

    `transaction_limit`: seconds that a transaction may take; 0: any number.
    """
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    arguments: dict[str, Any] = {
        "autocommit": True,
        "row_factory": dict_row,
        "options": f"{_OPTIONS} -c transaction_timeout={transaction_limit}s",
        "connect_timeout": _CONNECT_LIMIT,
        "application_name": f"trunkline-{name}",
    }
    pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
        url,
        kwargs=arguments,
        min_size=1,
        max_size=size,
        timeout=_GET_LIMIT,
        reconnect_timeout=_RECONNECT_LIMIT,
        open=False,
    )
    await pool.open(wait=False)
    try:
        yield Store(pool, keys)
    finally:
        await pool.close()
