"""
After a key was added to the ring: wraps every data key anew, and seals anew what older keys of the ring sealed themselves.

Batch by batch, each in a short transaction that passes over rows that somebody holds; so it can be stopped, repeated and run
twice at once, beside everything else. What is left tells whether an older key may be retired.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql
from psycopg.rows import DictRow

from shared.failures import GatewayError
from shared.store.data_keys import DataKeys, wrap_place
from shared.store.sealed import SEALED_COLUMNS, SealedColumn
from shared.store.session import EVERY_TENANT, Connection, Store
from shared.telemetry import REWRAPPED, SWEEP_FAILED, log
from shared.vault import RING_FORMAT, TenantVault, Vault, ring_key

_BATCH = 500
_AGAIN = 10.0
_EVERY = 6 * 3600.0
_DATA_KEY = "data_key"
_PRIMARY_KEY = """
select attname as name from pg_index join pg_attribute on attrelid = indrelid and attnum = any(indkey)
where indrelid = %s::regclass and indisprimary order by array_position(indkey::smallint[], attnum)
"""
Key = tuple[Any, ...]


@dataclass
class Progress:
    """What a run has done so far, by table or column. `unreadable`: what no key of the ring opens."""

    done: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)

    def note(self, what: str, changed: int, seen: int) -> None:
        """Count a batch."""
        self.done[what] += changed
        self.unreadable[what] += seen - changed
        log.info(REWRAPPED, what=what, done=self.done[what], unreadable=self.unreadable[what])


@dataclass(frozen=True)
class Rewrap:
    """The job. `ring` wraps data keys, `vault` seals rows with them."""

    store: Store
    ring: Vault
    vault: TenantVault
    data_keys: DataKeys

    async def keep(self) -> None:
        """Run, again soon as long as there was something to do, and every 6 hours. Never ends."""
        while True:
            try:
                busy = (await self.run()).done.total() > 0
            except Exception as error:  # noqa: BLE001 - the database is away; nothing is lost by trying again
                log.warning(SWEEP_FAILED, exc_info=error)
                busy = True
            await asyncio.sleep(_AGAIN if busy else _EVERY)

    async def run(self, progress: Progress | None = None) -> Progress:
        """Go through every table once. What others hold meanwhile is left for the next run."""
        progress = progress or Progress()
        async with self.store.connection(EVERY_TENANT) as connection:
            await self._wrap_all(connection, progress)
            for column in SEALED_COLUMNS:
                await self._seal_all(connection, column, progress)
        return progress

    async def named(self) -> dict[int, dict[str, int]]:
        """Return which keys of the ring are still named in the database, by what and how often. Reads every table."""
        counts: dict[int, dict[str, int]] = {}
        async with self.store.connection(EVERY_TENANT) as connection:
            cursor = await connection.execute("select key_id, count(*) as rows from data_key group by key_id")
            for row in await cursor.fetchall():
                counts.setdefault(row["key_id"], {})[_DATA_KEY] = row["rows"]
            for column in SEALED_COLUMNS:
                for key_id, rows in (await _count(connection, column)).items():
                    counts.setdefault(key_id, {})[str(column)] = rows
        return counts

    async def _wrap_all(self, connection: Connection, progress: Progress) -> None:
        last: Key = ("", 0)
        while True:
            async with connection.transaction():
                cursor = await connection.execute(
                    """
                    select tenant_id, number, wrapped from data_key where (tenant_id, number) > (%s, %s) and key_id < %s
                    order by tenant_id, number limit %s for update skip locked
                    """,
                    (*last, self.ring.newest, _BATCH),
                )
                if not (rows := await cursor.fetchall()):
                    return
                wrapped = [one for row in rows if (one := self._wrapped_anew(row))]
                await connection.cursor().executemany(
                    "update data_key set key_id = %s, wrapped = %s where tenant_id = %s and number = %s", wrapped
                )
            progress.note(_DATA_KEY, len(wrapped), len(rows))
            last = (rows[-1]["tenant_id"], rows[-1]["number"])

    def _wrapped_anew(self, row: DictRow) -> Key | None:
        where = wrap_place(row["tenant_id"], row["number"])
        try:
            key = self.ring.open(row["wrapped"], where)
        except GatewayError:
            return None
        return self.ring.newest, self.ring.seal(key, where), row["tenant_id"], row["number"]

    async def _seal_all(self, connection: Connection, column: SealedColumn, progress: Progress) -> None:
        query = await _queries(connection, column)
        async for page in _pages(connection, query):
            old = [row for row in page if self._is_old(row, row["prefix"])]
            if not old:
                continue
            await self.data_keys.ensure(connection, *filter(None, (row["tenant_id"] for row in old)))
            async with connection.transaction():
                cursor = await connection.execute(query.old, query.key_of(old[0]) + query.key_of(old[-1]))
                rows = [row for row in await cursor.fetchall() if self._is_old(row, row[column.name])]
                sealed = [one for row in rows if (one := self._sealed_anew(query, row))]
                await connection.cursor().executemany(query.update, sealed)
            progress.note(str(column), len(sealed), len(rows))

    def _is_old(self, row: DictRow, sealed: bytes | None) -> bool:
        """Tell whether the ring sealed a tenant's value itself, or an older key one of the platform's."""
        key_id = ring_key(sealed or b"")
        return key_id is not None and (row["tenant_id"] is not None or key_id < self.ring.newest)

    def _sealed_anew(self, query: "_Queries", row: DictRow) -> Key | None:
        where = query.column.at(row["tenant_id"], *(row[name] for name in query.column.row))
        try:
            return self.vault.seal(self.vault.open(row[query.column.name], where), where), *query.key_of(row)
        except GatewayError:
            return None


class _Queries:
    """The statements for one column: each reads or writes a stretch of the primary key, however large the table."""

    def __init__(self, column: SealedColumn, primary_key: list[str]) -> None:
        self.column = column
        self._key = primary_key
        key, bound = _names(self._key), sql.SQL(", ").join(sql.Placeholder() * len(self._key))
        name, table = sql.Identifier(column.name), sql.Identifier(column.table)
        page = "select {}, tenant_id, substring({} from 1 for 2) as prefix from {} {} order by {} limit {}"
        later = sql.SQL("where ({}) > ({})").format(key, bound)
        self.first = sql.SQL(page).format(key, name, table, sql.SQL(""), key, _BATCH)
        self.next = sql.SQL(page).format(key, name, table, later, key, _BATCH)
        self.old = sql.SQL(
            "select {}, {} from {} where ({}) >= ({}) and ({}) <= ({}) and substring({} from 1 for 1) = {}"
            " for update skip locked"
        ).format(
            _names(dict.fromkeys(("tenant_id", *self._key, *column.row))), name, table, key, bound, key, bound, name,
            bytes((RING_FORMAT,)),
        )  # fmt: skip
        self.update = sql.SQL("update {} set {} = %s where ({}) = ({})").format(table, name, key, bound)

    def key_of(self, row: DictRow) -> Key:
        """Return a row's primary key."""
        return tuple(row[name] for name in self._key)


async def _queries(connection: Connection, column: SealedColumn) -> _Queries:
    cursor = await connection.execute(_PRIMARY_KEY, (column.table,))
    return _Queries(column, [row["name"] for row in await cursor.fetchall()])


def _names(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


async def _pages(connection: Connection, query: _Queries) -> AsyncIterator[list[DictRow]]:
    """Walk through a table by its primary key, with the first bytes of the column."""
    cursor = await connection.execute(query.first)
    while page := await cursor.fetchall():
        yield page
        cursor = await connection.execute(query.next, query.key_of(page[-1]))


async def _count(connection: Connection, column: SealedColumn) -> Counter[int]:
    counts: Counter[int] = Counter()
    async for page in _pages(connection, await _queries(connection, column)):
        counts.update(key_id for row in page if (key_id := ring_key(row["prefix"] or b"")) is not None)
    return counts
