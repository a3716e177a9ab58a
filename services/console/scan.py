"""Lists over tables that may be large: the newest first, read by an index, and never more than so many rows for a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.rows import DictRow

from services.console.access import Principal
from services.console.records import Unknown
from shared.ids import TenantId
from shared.store.session import Connection, Store

REACH = 5_000
"""How many rows a page looks at for those that are wanted; the next one goes on behind them."""

Conditions = Mapping[str, Any]
"""SQL with one placeholder, and its value; None is no condition."""

Mark = Sequence[Any]
"""A place in a list: the values of the columns that it is ordered by."""


@dataclass(frozen=True)
class Slice:
    """What was found. `edge`: how far was looked, where there may be more behind it."""

    rows: list[DictRow]
    edge: Mark | None

    def keeping(self, rows: Sequence[DictRow]) -> "Slice":
        """Return it without the rows before these, which are its last."""
        return Slice([*rows], self.edge)

    def page(self, limit: int, order: Sequence[str]) -> tuple[list[DictRow], Mark | None]:
        """Return a page's rows, and where the next one goes on, of what was found when one more was asked for."""
        if len(self.rows) <= limit:
            return self.rows, self.edge
        return self.rows[:limit], mark(self.rows[limit - 1], order)


@dataclass(frozen=True)
class Scan:
    """
    A list. `order`: the columns of the index that it is read by, behind the tenant; `shown` has them under these names.

    `table`: what is looked through. `joins`: what is read for the rows that are wanted.
    """

    table: str
    order: tuple[str, ...]
    shown: str
    joins: str

    async def read(
        self, connection: Connection, within: Conditions, wanted: Conditions, after: Mark | None, most: int
    ) -> Slice:
        """
        Return at most so many rows, the newest first. `within`: what an index finds. `wanted`: which of those, by
        the table's own columns.

        `after`: where the page before ended. The connection is in a transaction: a plan is made for the values at hand, since
        one for any tenant would read and sort all that a large one has.
        """
        await connection.execute("set local plan_cache_mode = force_custom_plan")
        inside, values = _where({**within, **self._behind(after)})
        outside, more = _where(wanted)
        cursor = await connection.execute(
            f"""
            select {self.shown} from (
              select * from (select * from {self.table} where {inside} {self._newest} limit {REACH}) as {self.table}
              where {outside} {self._newest} limit %s
            ) as {self.table} {self.joins} {self._newest}
            """,  # noqa: S608 - conditions are constants, values are parameters
            (*values, *more, most),
        )
        rows = await cursor.fetchall()
        if len(rows) == most:
            return Slice(rows, mark(rows[-1], self.order))
        cursor = await connection.execute(
            f"select {', '.join(self.order)} from {self.table} where {inside} {self._newest} offset {REACH - 1} limit 1",  # noqa: S608
            values,
        )
        last = await cursor.fetchone()
        return Slice(rows, mark(last, self.order) if last else None)

    async def one(self, connection: Connection, key: Conditions) -> DictRow:
        """Return one row. Raises Unknown."""
        condition, values = _where(key)
        cursor = await connection.execute(
            f"select {self.shown} from {self.table} {self.joins} where {condition}",  # noqa: S608
            values,
        )
        row = await cursor.fetchone()
        if row is None:
            raise Unknown
        return row

    @property
    def _newest(self) -> str:
        return "order by " + ", ".join(f"{self.table}.{column} desc" for column in self.order)

    def _behind(self, after: Mark | None) -> Conditions:
        columns = ", ".join(f"{self.table}.{column}" for column in self.order)
        return {f"({columns}) < ({', '.join(['%s'] * len(self.order))})": None if after is None else tuple(after)}


def mark(row: Mapping[str, Any], order: Sequence[str]) -> Mark:
    """Return a row's place."""
    return [row[column] for column in order]


async def owner(store: Store, who: Principal, table: str, key: Conditions, column: str = "tenant_id") -> TenantId:
    """Return whose a row is: what is sealed is opened within its tenant alone. Raises Unknown."""
    condition, values = _where(key)
    async with store.connection(who.sees) as connection:
        query = f"select {column} as tenant_id from {table} where {condition} limit 1"  # noqa: S608
        row = await (await connection.execute(query, values)).fetchone()
    if row is None:
        raise Unknown
    return TenantId(row["tenant_id"])


async def existing(store: Store, who: Principal, tenant: TenantId) -> TenantId:
    """Return a tenant that whoever asks may know of. Raises Unknown."""
    return await owner(store, who, "tenant", {"id = %s": tenant}, "id")


def _where(conditions: Conditions) -> tuple[str, list[Any]]:
    used = {text: value for text, value in conditions.items() if value is not None}
    values = [each for value in used.values() for each in (value if isinstance(value, tuple) else (value,))]
    return " and ".join(used) or "true", values
