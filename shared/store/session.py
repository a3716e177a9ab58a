"""
The unit of work: one message, one short transaction, which names the tenants whose rows it may see.

Row-level security shows a service no other row (ADR 12). A transaction that names nobody sees only what belongs to nobody.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from shared import faultpoints
from shared.failures import Later
from shared.ids import TenantId

Connection = psycopg.AsyncConnection[DictRow]

_OPTIONS = "-c statement_timeout=5s -c lock_timeout=1s -c idle_in_transaction_session_timeout=2s -c timezone=UTC -c plan_cache_mode=force_generic_plan -c jit=off"
_CONNECT_LIMIT = 3
_GET_LIMIT = 3.0
_RECONNECT_LIMIT = 2.0
"""Seconds before a failing connection attempt is given up. Short, because the pool backs off exponentially within it,
and every later request for a connection begins anew."""
_BUSY_DELAY = 0.25

EVERY_TENANT = TenantId("*")
"""All tenants at once: for the console's role alone, whose policies know it."""

_SCOPE = "select set_config('trunkline.tenants', %s, %s)"


class Store:
    """A bounded pool of connections, each with the server-side time limits of a hot path."""

    def __init__(self, pool: AsyncConnectionPool[Connection]) -> None:
        self._pool = pool

    @asynccontextmanager
    async def connection(self, *tenants: TenantId) -> AsyncIterator[Connection]:
        """
        Lend a connection for single statements, each its own transaction. Raises `Later` as `transaction` does.

        `tenants`: whose rows it may see.
        """
        try:
            async with self._pool.connection() as connection:
                await connection.execute(_SCOPE, (",".join(tenants), False))
                yield connection
        except psycopg.errors.LockNotAvailable as error:
            raise Later(_BUSY_DELAY) from error

    @asynccontextmanager
    async def transaction(self, *tenants: TenantId, step: faultpoints.Step | None = None) -> AsyncIterator[Connection]:
        """
        Lend a connection for one transaction. A row that somebody else holds raises `Later`.

        `tenants`: whose rows it may see; `widen` adds to them.
        Statements are pipelined: what is not read travels with the next that is, at the latest with the commit, and so
        may its error. A count of rows is known only once it is read, as rows of `returning`.
        """
        try:
            async with self._pool.connection() as connection, connection.pipeline(), connection.transaction():
                await self.widen(connection, *tenants)
                yield connection
                faultpoints.before(step)
        except psycopg.errors.LockNotAvailable as error:
            raise Later(_BUSY_DELAY) from error
        faultpoints.after(step)

    async def widen(self, connection: Connection, *tenants: TenantId) -> None:
        """Let the running transaction see the rows of exactly these tenants from here on."""
        await connection.execute(_SCOPE, (",".join(tenants), True))

    async def check(self) -> str | None:
        """Readiness: a statement is answered, and the role that we log in as is held to its tenants."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute("select row_security_active('message') as held")).fetchone()
        return None if row and row["held"] else "the database role bypasses row-level security"


@asynccontextmanager
async def open_store(url: str, size: int, name: str) -> AsyncIterator[Store]:
    """Hold a pool for the length of the block. Does not wait for the database: work waits when it is away."""
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    arguments: dict[str, Any] = {
        "autocommit": True,
        "row_factory": dict_row,
        "options": _OPTIONS,
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
        yield Store(pool)
    finally:
        await pool.close()
