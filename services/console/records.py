"""Rows that admins make, change and delete: each change counts the row's version up and leaves a line in the audit log."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from psycopg import sql
from psycopg.errors import ForeignKeyViolation, UniqueViolation
from psycopg.rows import DictRow

from services.console.access import Principal
from shared.ids import TenantId, new_id
from shared.store.session import Connection, Store

CANARIES: Final = TenantId("tn_canary")
"""The company of the canaries (ADR 30)."""


class Unknown(Exception):
    """There is no such row, or none that the asker may know of."""


class Stale(Exception):
    """Somebody changed the row since it was read."""


class Taken(Exception):
    """Another row has this already. Names the constraint."""


class Dangling(Exception):
    """It names a row that is not there, or is another tenant's. Names the constraint."""


class InUse(Exception):
    """Other rows need this one. Names the constraint."""


Also = Callable[[Connection, DictRow], Awaitable[None]]
"""What else a change brings about, in the same transaction; it is given the row as it is now."""


@dataclass(frozen=True)
class Span:
    """A range of one column; either end may be open."""

    at_least: Any = None
    below: Any = None

    def within(self, column: str) -> dict[str, Any]:
        """Return it as conditions of a scan."""
        return {f"{column} >= %s": self.at_least, f"{column} < %s": self.below}


@dataclass(frozen=True)
class Table:
    """
    A table as the API shows it.

    `prefix`: of its ids. `columns`: what is shown, by the name in the API; SQL over the table. `source`: what these columns
    come from where it is more than the table.
    """

    name: str
    prefix: str
    columns: Mapping[str, str]
    source: str = ""

    @property
    def has_tenant(self) -> bool:
        """Tell whether rows belong to a tenant, rather than being one."""
        return self.columns.get("tenant") not in {None, "id"}

    @property
    def shown(self) -> sql.Composed:
        """Return the list of columns."""
        pairs = [
            sql.SQL("{} as {}").format(sql.SQL(column), sql.Identifier(name)) for name, column in self.columns.items()
        ]
        return sql.SQL(", ").join(pairs)

    def select(self) -> sql.Composed:
        """Return the beginning of a query."""
        return sql.SQL("select {} from {}").format(self.shown, sql.SQL(self.source or self.name))

    def written(self, name: str) -> sql.Identifier:
        """Return the column that a name of the API is written to; secrets go by their column's own name."""
        return sql.Identifier(self.columns.get(name, name))

    def column(self, name: str) -> sql.Composed:
        """Return a shown column for a condition."""
        return sql.SQL("({})").format(sql.SQL(self.columns[name]))


@dataclass(frozen=True)
class Records:
    """One table's rows, for whoever asks: row-level security decides which they see."""

    store: Store
    table: Table
    secret: frozenset[str] = field(default=frozenset())
    """Columns whose values stay out of the audit log."""

    async def list(self, who: Principal, before: str | None, most: int, **wanted: Any) -> list[DictRow]:  # noqa: ANN401 - whatever a column holds
        """
        Return rows, the newest first. `wanted`: values, or Spans, of shown columns; None is no condition.

        A tenant's own are asked for by its name, although it sees no others: that is what an index can use. What is the
        canaries' is only told to who asks for it by their name.
        """
        if self.table.has_tenant and wanted.get("tenant") is None:
            wanted["tenant"] = who.tenant
        conditions: list[sql.Composable] = [sql.SQL("true")]
        values: list[Any] = []
        if "tenant" in self.table.columns and who.tenant is None and wanted.get("tenant") is None:
            conditions.append(
                sql.SQL("{} is distinct from {}").format(self.table.column("tenant"), sql.Literal(CANARIES))
            )
        for name, value in {"id": Span(below=before), **wanted}.items():
            for operator, operand in _operands(value):
                conditions.append(sql.SQL("{} {} %s").format(self.table.column(name), sql.SQL(operator)))
                values.append(operand)
        query = sql.SQL("{} where {} order by {} desc limit %s").format(
            self.table.select(), sql.SQL(" and ").join(conditions), self.table.column("id")
        )
        async with self.store.connection(who.sees) as connection:
            return await (await connection.execute(query, (*values, most))).fetchall()

    async def get(self, who: Principal, row: str) -> DictRow:
        """Return one. Raises Unknown."""
        async with self.store.connection(who.sees) as connection:
            return await self._get(connection, row)

    async def make(self, who: Principal, tenant: TenantId | None, values: Mapping[str, Any]) -> DictRow:
        """Insert a row for a tenant and return it; `values` by their names in the API. Raises Taken, Dangling."""
        row = new_id(self.table.prefix)
        return await self.put(who, tenant, row, values)

    async def put(self, who: Principal, tenant: TenantId | None, row: str, values: Mapping[str, Any]) -> DictRow:
        """Insert a row under an id that was made before. Raises as `make` does."""
        whole = {"id": row, **({"tenant": tenant} if self.table.has_tenant else {}), **values}
        statement = sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(self.table.name),
            sql.SQL(", ").join(map(self.table.written, whole)),
            sql.SQL(", ").join([sql.Placeholder()] * len(whole)),
        )
        try:
            async with self.store.transaction(who.sees) as connection:
                await connection.execute(statement, [_as_sql(value) for value in whole.values()])
                made = await self._get(connection, row)
                deed = Deed(f"{self.table.name}.created", row, made.get("tenant"), after=self._told(made))
                await note(connection, who, deed)
        except UniqueViolation as error:
            raise Taken(error.diag.constraint_name) from None
        except ForeignKeyViolation as error:
            raise Dangling(error.diag.constraint_name) from None
        return made

    async def change(
        self, who: Principal, row: str, version: int, values: Mapping[str, Any], also: Also | None = None
    ) -> DictRow:
        """
        Update a row that is still at this version. Raises Unknown, Stale, Taken, Dangling.

        `values` may be SQL, such as the database's time.
        """
        sets = [sql.SQL("{} = {}").format(self.table.written(name), _operand(value)) for name, value in values.items()]
        given = [_as_sql(value) for value in values.values() if not isinstance(value, sql.Composable)]
        statement = sql.SQL("update {} set {} where id = %s").format(
            sql.Identifier(self.table.name), sql.SQL(", ").join([*sets, sql.SQL("version = version + 1")])
        )
        try:
            async with self.store.transaction(who.sees) as connection:
                before = await self._locked(connection, row, version)
                await connection.execute(statement, (*given, row))
                after = await self._get(connection, row)
                if also is not None:
                    await also(connection, after)
                was, became = _difference(self._told(before), self._told(after))
                deed = Deed(f"{self.table.name}.changed", row, before.get("tenant"), was, became)
                await note(connection, who, deed)
        except UniqueViolation as error:
            raise Taken(error.diag.constraint_name) from None
        except ForeignKeyViolation as error:
            raise Dangling(error.diag.constraint_name) from None
        return after

    async def remove(self, who: Principal, row: str, version: int, **why: str) -> None:
        """Delete a row that is still at this version. Raises Unknown, Stale, InUse. `why`: for the audit log."""
        statement = sql.SQL("delete from {} where id = %s").format(sql.Identifier(self.table.name))
        try:
            async with self.store.transaction(who.sees) as connection:
                before = await self._locked(connection, row, version)
                await connection.execute(statement, (row,))
                deed = Deed(f"{self.table.name}.deleted", row, before.get("tenant"), self._told(before), why or None)
                await note(connection, who, deed)
        except ForeignKeyViolation as error:
            raise InUse(error.diag.constraint_name) from None

    async def _get(self, connection: Connection, row: str) -> DictRow:
        query = sql.SQL("{} where {} = %s").format(self.table.select(), self.table.column("id"))
        found = await (await connection.execute(query, (row,))).fetchone()
        if found is None:
            raise Unknown
        return found

    async def _locked(self, connection: Connection, row: str, version: int) -> DictRow:
        lock = sql.SQL("select 1 from {} where id = %s for update").format(sql.Identifier(self.table.name))
        await connection.execute(lock, (row,))
        found = await self._get(connection, row)
        if found["version"] != version:
            raise Stale
        return found

    def _told(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in row.items() if name not in self.secret and name != "version"}


@dataclass(frozen=True)
class Deed:
    """What somebody did: a line of the audit log. `tenant`: whose the object is; None for the platform's."""

    action: str
    object: str
    tenant: str | None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


async def note(connection: Connection, who: Principal, deed: Deed) -> None:
    """Leave a line in the audit log, within the transaction that it speaks of."""
    told = [orjson.dumps(it).decode() if it is not None else None for it in (deed.before, deed.after)]
    await connection.execute(
        "insert into audit (id, tenant_id, actor, action, object, before, after) values (%s, %s, %s, %s, %s, %s, %s)",
        (new_id("au"), deed.tenant, who.id, deed.action, deed.object, *told),
    )


def _operands(value: Any) -> Sequence[tuple[str, Any]]:  # noqa: ANN401 - whatever a column holds
    ends = ((">=", value.at_least), ("<", value.below)) if isinstance(value, Span) else (("=", value),)
    return [(operator, operand) for operator, operand in ends if operand is not None]


def _operand(value: Any) -> sql.Composable:  # noqa: ANN401 - whatever a column holds
    return value if isinstance(value, sql.Composable) else sql.Placeholder()


def _as_sql(value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    return orjson.dumps(value).decode() if isinstance(value, dict) else value


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    changed = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in changed}, {name: after[name] for name in changed}
