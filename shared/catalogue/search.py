"""
How products and listings are found: by words, misspelt ones too, within prices, availability and attributes.

The views keep to the tenants that the transaction names (ADR 15 says why they are views); the source is a condition too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
from psycopg.errors import QueryCanceled

from shared.ids import TenantId
from shared.knowledge.folding import folded
from shared.knowledge.search import SearchTooSlow
from shared.store.session import Connection, Store
from shared.telemetry import KNOWLEDGE_REDUCED, log

Kind = Literal["product", "listing"]

_MOST_WORDS = 16
_LOOKED_AT = 20_000
"""Items that are looked at for one word: all that a source may have. The limit keeps the index in use, word by word."""

_ALIKE = 3
"""Words that are tried for one that no item has."""

_WORTH = 0.5
"""An item that is found by less than this share of what the best one is found by is not told."""

_SOURCE = """
source as (
  select id, items, language::regconfig as rules from data_source where tenant_id = %(tenant)s and kind = %(kind)s
)
"""
_FITS = """
source_id = (select id from source)
and (%(cheapest)s::numeric is null or price >= %(cheapest)s::numeric)
and (%(dearest)s::numeric is null or price <= %(dearest)s::numeric)
and (not %(available)s or available) and facets @> %(facets)s::jsonb
and not exists (
  select from jsonb_each_text(%(at_least)s::jsonb) bound
  where coalesce((numbers ->> bound.key)::numeric < bound.value::numeric, true))
and not exists (
  select from jsonb_each_text(%(at_most)s::jsonb) bound
  where coalesce((numbers ->> bound.key)::numeric > bound.value::numeric, true))
"""
_SHOWN = "ref, name, description, price, currency, available, url, attributes"

_MISSPELT = f"""
union all
select lexeme, near.word, near.likeness * 0.6 from source cross join spoken cross join lateral (
  select word, similarity(spoken.lexeme, word) as likeness from catalogue_vocabulary
  where source_id = source.id and spoken.lexeme %% word order by likeness desc, word limit {_ALIKE}
) near
where length(lexeme) > 3 and not exists (
  select from catalogue_vocabulary where source_id = source.id and word = spoken.lexeme
)
"""  # noqa: S608 - constants
_BY_WORDS = f"""
with {_SOURCE},
spoken as (
  select lexeme from unnest(to_tsvector('simple', %(query)s::text))
  where not exists (select from source where length(to_tsvector(rules, lexeme)) = 0)
  order by length(lexeme) desc, lexeme limit {_MOST_WORDS}
),
words as (
  select lexeme as said, lexeme as word, 1.0::float as likeness from spoken
  union all
  select spoken.lexeme, stem.lexeme, 0.9 from source cross join spoken
  cross join lateral unnest(to_tsvector(rules, spoken.lexeme)) stem
  {{misspelt}}
),
hits as (
  select said, item.id, max(likeness) as likeness from source cross join words cross join lateral (
    select id from catalogue_shelf
    where source_id = source.id and search @@ (source.id::tsquery && plainto_tsquery('simple', word)) limit {_LOOKED_AT}
  ) item
  group by said, item.id
),
weights as (
  select said, ln(1 + (select items from source) / count(*)::float) as weight from hits group by said
),
scored as (
  select id, sum(likeness * weight) as score from hits join weights using (said) group by id
),
fitting as (
  select scored.score, max(scored.score) over () as best, shelf.*,
         ts_rank(search, array_to_string(tsvector_to_array(to_tsvector('simple', %(query)s::text)), ' | ')::tsquery) as rank
  from scored join catalogue_shelf shelf using (id) where {_FITS}
)
select {_SHOWN} from fitting where score >= best * {_WORTH}
order by score desc, rank desc, price nulls last, id limit %(most)s
"""  # noqa: S608 - constants
_BY_FACTS = f"""
with {_SOURCE}
select {_SHOWN} from catalogue_shelf where {_FITS} order by price nulls last, name, id limit %(most)s
"""  # noqa: S608 - constants
_LIKENESS = "select set_config('pg_trgm.similarity_threshold', '0.2', true)"
"""`bycicle` and `bicycle` have less than a quarter of their trigrams in common."""

_NAMES = "select attribute_names from data_source where tenant_id = %(tenant)s and kind = %(kind)s"


@dataclass(frozen=True)
class Wanted:
    """
    What is looked for; what is not said is no condition. `at_least`, `at_most`: of attributes that are numbers.

    Attributes are compared without case and accents.
    """

    query: str = ""
    min_price: float | None = None
    max_price: float | None = None
    available_only: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    at_least: Mapping[str, float] = field(default_factory=dict)
    at_most: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """The items, the best first, as data. `attributes`: the names of those that items of this kind have."""

    items: tuple[dict[str, Any], ...]
    attributes: tuple[str, ...]


@dataclass
class Catalogue:
    """Where items are looked for."""

    store: Store
    _spells: bool | None = field(default=None, init=False)
    """Whether the database compares words that are alike."""

    async def search(self, tenant: TenantId, kind: Kind, wanted: Wanted, most: int) -> Found:
        """Return a tenant's items that fit, at most so many. Raises SearchTooSlow."""
        asked = _asked(tenant, kind, wanted, most)
        async with self.store.connection(tenant) as connection:
            query = await self._query(connection) if asked["query"] else _BY_FACTS
            try:
                async with connection.pipeline(), connection.transaction():
                    await connection.execute(_LIKENESS)
                    found = await connection.execute(query.encode(), asked)
                    named = await connection.execute(_NAMES, asked)
                    rows, names = await found.fetchall(), await named.fetchone()
            except QueryCanceled as error:
                raise SearchTooSlow from error
        return Found(tuple(map(_shown, rows)), tuple(names["attribute_names"]) if names else ())

    async def _query(self, connection: Connection) -> str:
        if self._spells is None:
            cursor = await connection.execute(
                "select exists (select from pg_extension where extname = 'pg_trgm') as it"
            )
            row = await cursor.fetchone()
            self._spells = bool(row and row["it"])
            if not self._spells:
                log.warning(
                    KNOWLEDGE_REDUCED, reason="Misspelt words are not found: the database has no extension pg_trgm."
                )
        return _BY_WORDS.format(misspelt=_MISSPELT if self._spells else "")


def _asked(tenant: TenantId, kind: Kind, wanted: Wanted, most: int) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "kind": kind,
        "query": folded(wanted.query).replace("\0", " ").strip(),
        "cheapest": wanted.min_price,
        "dearest": wanted.max_price,
        "available": wanted.available_only,
        "facets": _json({folded(name): [folded(value)] for name, value in wanted.attributes.items()}),
        "at_least": _json({folded(name): value for name, value in wanted.at_least.items()}),
        "at_most": _json({folded(name): value for name, value in wanted.at_most.items()}),
        "most": most,
    }


def _json(value: object) -> str:
    return orjson.dumps(value).decode().replace("\\u0000", " ")


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without what it does not tell, its price as a number and single values as such."""
    attributes = {name: values[0] if len(values) == 1 else values for name, values in row["attributes"].items()}
    told = {
        "id": row["ref"],
        "name": row["name"],
        "price": float(row["price"]) if row["price"] is not None else None,
        "currency": row["currency"] if row["price"] is not None else None,
        "available": row["available"],
        "url": row["url"],
        "attributes": attributes or None,
        "description": row["description"] or None,
    }
    return {name: value for name, value in told.items() if value is not None}
