"""
Imports: the whole of a source takes the place of what it was before, in one transaction, or nothing changes.

Who searches meanwhile finds what was there before.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Self

import orjson
from psycopg.rows import DictRow

from services.console.access import Principal
from services.console.catalogue import SOURCES
from services.console.records import Deed, Records, note
from shared.addresses import Pepper
from shared.catalogue import Item, read_items, read_orders
from shared.catalogue.orders import Customers, OrderRow
from shared.ids import TenantId, new_id
from shared.knowledge import folded
from shared.store.sealed import ORDER_BODY
from shared.store.session import Connection, Store
from shared.telemetry import SOURCE_IMPORTED, log
from shared.vault import Vault

_BATCH = 500
_MOST_NAMES = 40
_PATIENCE = "set local statement_timeout = '60s'"

_UPLOADED = """
insert into data_source as old (id, tenant_id, kind, origin, currency, country, language)
values (%(id)s, %(tenant)s, %(kind)s, 'upload', %(currency)s, %(country)s, %(language)s)
on conflict (tenant_id, kind) do update
  set version = old.version + 1, currency = excluded.currency, country = excluded.country, language = excluded.language
  where old.origin = 'upload'
returning id
"""
_EMPTY = (
    "delete from catalogue_item where source_id = %(source)s",
    "delete from catalogue_word where source_id = %(source)s",
    "delete from customer_order where source_id = %(source)s",
)
_ITEMS = """
insert into catalogue_item
  (tenant_id, source_id, ref, name, description, price, currency, available, url, attributes, facets, numbers, search)
select %(tenant)s, %(source)s::text, ref, name, description, price, currency, available, url, attributes, facets, numbers,
       setweight(to_tsvector('simple', head) || to_tsvector(%(language)s::regconfig, head), 'A')
         || to_tsvector('simple', body) || to_tsvector(%(language)s::regconfig, body) || array_to_tsvector(array[%(source)s::text])
from jsonb_to_recordset(%(rows)s::jsonb) as it (
  ref text, name text, description text, price numeric, currency text, available boolean, url text,
  attributes jsonb, facets jsonb, numbers jsonb, head text, body text)
"""
_WORDS = """
insert into catalogue_word (source_id, word, tenant_id)
select distinct source_id, lexeme, tenant_id from catalogue_item, unnest(search)
where source_id = %(source)s and length(lexeme) > 3 and lexeme <> source_id
"""
_ORDER = """
insert into customer_order (id, tenant_id, source_id, number, customer_keys, pepper_version, placed_at, sealed_body)
values (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_DONE = """
update data_source
set items = %(items)s, attribute_names = %(names)s, imported_at = now(), tried_at = now(), failure = null, faults = '[]'
where id = %(source)s
"""


@dataclass(frozen=True)
class Contents:
    """
    What a source is to have. `batches`: of items, as JSON; made beforehand, since a transaction waits for nobody.

    `names`: of the items' attributes. `count`: of all there is.
    """

    batches: Sequence[str] = ()
    names: Sequence[str] = ()
    orders: Sequence[OrderRow] = ()
    count: int = 0

    @classmethod
    def of_items(cls, items: Sequence[Item]) -> Self:
        """Return these items, ready to be written."""
        batches = [orjson.dumps([_told(item) for item in batch]).decode() for batch in _batches(items)]
        return cls(batches, _names(items), count=len(items))


class Fetched(Exception):
    """What is of this kind is fetched from elsewhere: a file would not last."""


@dataclass(frozen=True)
class Upload:
    """A file as it came. `currency`, `country`: of prices and phone numbers that name none."""

    kind: str
    text: str
    currency: str | None
    country: str | None
    language: str


@dataclass(frozen=True)
class Imports:
    """Takes files in. `pepper`: keys the customers of orders."""

    store: Store
    vault: Vault
    pepper: Pepper

    async def take(self, who: Principal, tenant: TenantId, upload: Upload) -> DictRow:
        """Take a file in place of the one before. Raises Broken, Fetched."""
        contents = await asyncio.to_thread(read, upload.kind, upload.text, upload.currency, upload.country)
        values = {**vars(upload), "id": new_id(SOURCES.prefix), "tenant": tenant}
        async with self.store.connection(who.sees) as connection:
            await self.store.have_keys(connection, tenant)
        async with self.store.transaction(tenant) as connection:
            source = await (await connection.execute(_UPLOADED, values)).fetchone()
            if source is None:
                raise Fetched
            await self.replace(connection, tenant, source["id"], upload.language, contents)
            told = {"kind": upload.kind, "items": contents.count}
            await note(connection, who, Deed("data_source.imported", source["id"], tenant, after=told))
        return await Records(self.store, SOURCES).get(who, source["id"])

    async def replace(
        self, connection: Connection, tenant: TenantId, source: str, language: str, contents: Contents
    ) -> None:
        """Let these be all that a source has, within a transaction that holds its row."""
        await connection.execute(_PATIENCE)
        facts: dict[str, Any] = {"tenant": tenant, "source": source, "language": language}
        for statement in _EMPTY:
            await connection.execute(statement, facts)
        for batch in contents.batches:
            await connection.execute(_ITEMS, {**facts, "rows": batch})
        await connection.execute(_WORDS, facts)
        orders = [self._order(tenant, source, order) for order in contents.orders]
        await connection.cursor().executemany(_ORDER, orders)
        await connection.execute(_DONE, {**facts, "items": contents.count, "names": list(contents.names)})
        log.info(SOURCE_IMPORTED, tenant=tenant, source=source, items=contents.count)

    def _order(self, tenant: TenantId, source: str, row: OrderRow) -> tuple[Any, ...]:
        order = new_id("or")
        body = self.vault.seal(orjson.dumps(row.order.told()), ORDER_BODY.at(tenant, order))
        keys = Customers(self.pepper, tenant).written(row.phone, row.email, row.country)
        return order, tenant, source, row.key, keys, self.pepper.version, _moment(row.placed), body


def read(kind: str, text: str, currency: str | None, country: str | None) -> Contents:
    """Return what a file holds. Raises Broken."""
    if kind != "order":
        return Contents.of_items(read_items(text, currency))
    orders = read_orders(text, country)
    return Contents(orders=orders, count=len(orders))


def _told(item: Item) -> Mapping[str, Any]:
    return {
        "ref": item.id,
        "name": item.name,
        "description": item.description,
        "price": str(item.price) if item.price is not None else None,
        "currency": item.currency,
        "available": item.available,
        "url": item.url,
        "attributes": item.attributes,
        "facets": item.facets,
        "numbers": item.numbers,
        "head": folded(item.name),
        "body": folded(item.text),
    }


def _batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]


def _names(items: Sequence[Item]) -> list[str]:
    """Return the names of attributes, those of most items first."""
    counts: dict[str, int] = {}
    for item in items:
        for name in item.attributes:
            counts[name] = counts.get(name, 0) + 1
    return sorted(counts, key=lambda name: (-counts[name], name))[:_MOST_NAMES]


def _moment(placed: datetime | date | None) -> datetime | None:
    if placed is None or isinstance(placed, datetime):
        return placed if placed is None or placed.tzinfo else placed.replace(tzinfo=UTC)
    return datetime.combine(placed, time(), UTC)
