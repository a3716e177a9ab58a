"""Messages of both directions as one list: what people wrote, and the parts that they were sent."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from psycopg.rows import DictRow

from services.console.access import Principal
from services.console.records import Span
from services.console.scan import Conditions, Mark, Scan, Slice, owner
from shared.addresses import Pepper
from shared.ids import ContactId, TenantId, ThreadKey
from shared.store.session import Connection, Store

INBOUND: Literal["inbound"] = "inbound"
OUTBOUND: Literal["outbound"] = "outbound"
Direction = Literal["inbound", "outbound"]

_PART = "pt_"
_MOST_THREADS = 100
_THREADS = f"""
with person as (
  select distinct contact_id from contact_alias where tenant_id = %(tenant)s and address_key = any(%(keys)s)
)
select key from thread join person using (contact_id)
union
select message.thread from person cross join lateral (
  select id from conversation where conversation.contact_id = person.contact_id order by id desc limit {_MOST_THREADS}
) as newest cross join lateral (select thread from message where conversation_id = newest.id limit 1) as message
"""  # noqa: S608 - constants
"""A person's threads; on the platform's lines, which a tenant does not see, those that its conversations tell of."""

_THREADS_OF_CONTACT = _THREADS.replace(
    "select distinct contact_id from contact_alias where tenant_id = %(tenant)s and address_key = any(%(keys)s)",
    "select %(contact)s::text as contact_id",
)
_CONTACT = "select contact_id from contact_alias where tenant_id = %s and address_key = any(%s) limit 1"

_SIDS = """
select tenant_id from message where provider_sid = %(sid)s
union all select tenant_id from part where provider_sid = %(sid)s limit 1
"""

_STATUS = {INBOUND: "message.outcome", OUTBOUND: "part.state"}
_CHANNEL = {
    INBOUND: """
    coalesce((select channel from conversation where conversation.id = message.conversation_id),
             (select channel from line where line.id = message.line_id))
    """,
    OUTBOUND: """
    coalesce((select channel from reply join conversation on conversation.id = conversation_id where reply.id = part.reply_id),
             (select channel from thread join line on line.id = line_id where thread.key = part.thread))
    """,
}


@dataclass(frozen=True)
class Wanted:
    """Which messages. `number`: of the person, written as an address; `contact`: the person; `sid`: the provider's id."""

    direction: Direction | None = None
    status: str | None = None
    channel: str | None = None
    sid: str | None = None
    number: str | None = None
    arrived: Span = field(default_factory=Span)
    contact: str | None = None


@dataclass(frozen=True)
class Found:
    """A page of messages, the newest first, each with its `direction`. `mark`: where the next one goes on."""

    rows: list[DictRow]
    mark: Mark | None


@dataclass(frozen=True)
class Messages:
    """Reads them. `inbound`, `outbound`: what is read of either."""

    store: Store
    pepper: Pepper
    inbound: Scan
    outbound: Scan

    async def tenant_of_sid(self, who: Principal, sid: str) -> TenantId | None:
        """Return whose the provider's id is; None for nobody's."""
        async with self.store.connection(who.sees) as connection:
            row = await (await connection.execute(_SIDS, {"sid": sid})).fetchone()
        return TenantId(row["tenant_id"]) if row else None

    async def contact_of(self, tenant: TenantId, number: str) -> ContactId | None:
        """Return who writes from an address; None where nobody does."""
        channel, _, _ = number.partition(":")
        keys = self.pepper.address_keys(tenant, channel, number)
        async with self.store.connection(tenant) as connection:
            row = await (await connection.execute(_CONTACT, (tenant, [*keys]))).fetchone()
        return ContactId(row["contact_id"]) if row else None

    async def read(self, tenant: TenantId, wanted: Wanted, after: Mark | None, limit: int) -> Found:
        """Return a page of a tenant's messages."""
        async with self.store.transaction(tenant) as connection:
            threads = await self._threads(connection, tenant, wanted)
            if threads == []:
                return Found([], None)
            slices = {}
            for direction, scan in self._scans(wanted).items():
                within = _within(scan, tenant, wanted, threads)
                which = {f"{_STATUS[direction]} = %s": wanted.status, f"({_CHANNEL[direction]}) = %s": wanted.channel}
                slices[direction] = await scan.read(connection, within, which, _behind(direction, after), limit + 1)
        return _merged(slices, limit)

    async def one(self, who: Principal, message: str) -> tuple[TenantId, Direction, DictRow]:
        """Return one, whose it is, and its direction. Raises Unknown."""
        number = _number(message)
        direction, scan = (INBOUND, self.inbound) if number is None else (OUTBOUND, self.outbound)
        row = message if number is None else number
        tenant = await owner(self.store, who, scan.table, {"id = %s": row})
        async with self.store.connection(tenant) as connection:
            return tenant, direction, await scan.one(connection, {f"{scan.table}.id = %s": row})

    def _scans(self, wanted: Wanted) -> dict[Direction, Scan]:
        scans: dict[Direction, Scan] = {INBOUND: self.inbound, OUTBOUND: self.outbound}
        return {name: scan for name, scan in scans.items() if wanted.direction in {None, name}}

    async def _threads(self, connection: Connection, tenant: TenantId, wanted: Wanted) -> list[ThreadKey] | None:
        """Return the threads of the person who is looked for; None where nobody is."""
        if wanted.contact is not None:
            cursor = await connection.execute(_THREADS_OF_CONTACT, {"contact": wanted.contact})
            return [ThreadKey(row["key"]) for row in await cursor.fetchall()]
        if wanted.number is None:
            return None
        channel, _, _ = wanted.number.partition(":")
        keys = self.pepper.address_keys(tenant, channel, wanted.number)
        cursor = await connection.execute(_THREADS, {"tenant": tenant, "keys": [*keys]})
        return [ThreadKey(row["key"]) for row in await cursor.fetchall()]


def _within(scan: Scan, tenant: TenantId, wanted: Wanted, threads: Sequence[ThreadKey] | None) -> Conditions:
    moment, _ = scan.order
    return {
        "tenant_id = %s": tenant,
        "provider_sid = %s": wanted.sid,
        "thread = any(%s)": None if threads is None else [*threads],
        **wanted.arrived.within(moment),
    }


def _behind(direction: Direction, after: Mark | None) -> Mark | None:
    """
    Return where one direction goes on behind a message of either.

    Of the same time, parts come first in the list: behind a message there is none left, behind a part every message is.
    """
    if after is None:
        return None
    moment, message = after
    number = _number(message)
    if direction == INBOUND:
        return [moment, message]  # by its letters any msg_ comes before any pt_
    return [moment, number or 0]


def _number(message: str) -> int | None:
    """Return the number of a part; None for the id of a message."""
    return int(message.removeprefix(_PART)) if message.startswith(_PART) else None


def _merged(slices: dict[Direction, Slice], limit: int) -> Found:
    """Return the newest of both directions, down to where both were looked through."""
    rows = [{**row, "direction": name} for name, part in slices.items() for row in part.rows]
    edges = [_place(name, *part.edge) for name, part in slices.items() if part.edge is not None]
    edge = max(edges, default=None)
    seen = sorted((row for row in rows if edge is None or _row_place(row) >= edge), key=_row_place, reverse=True)
    if len(seen) > limit:
        edge = _row_place(seen[limit - 1])
    return Found(seen[:limit], None if edge is None else [edge[0], _id(edge)])


Place = tuple[datetime, int, Any]


def _place(direction: Direction, moment: datetime, row: str | int) -> Place:
    return moment, int(direction == OUTBOUND), row


def _row_place(row: DictRow) -> Place:
    return _place(row["direction"], row["moment"], row["key"])


def _id(place: Place) -> str:
    _, outbound, key = place
    return f"{_PART}{key}" if outbound else str(key)
