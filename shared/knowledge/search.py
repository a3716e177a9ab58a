"""
Hybrid search over an agent's passages: several rankings, each bounded, merged by reciprocal rank.

Row-level security keeps to the tenants that the transaction names, the agent is a condition of each ranking.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg.errors import QueryCanceled

from shared.ids import AgentId, TenantId
from shared.knowledge.embeddings import Embedder, EmbeddingsUnavailable
from shared.knowledge.folding import folded
from shared.store.session import Connection, Store
from shared.telemetry import KNOWLEDGE_REDUCED, log

_RANKED = 50
"""Passages that one ranking may name."""

_SMOOTHING = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke, Büttcher 2009)."""

_LOOKED_AT = 5000
"""Passages that are looked at for one word."""

_FEW = 5
"""Up to so many passages a word is taken for one that might be misspelt; so many words that are like it are tried."""

_LONGEST_QUERY = 1000
_MOST_WORDS = 24
_UNWANTED = re.compile(r'(?<!\S)-(?:"[^"]*"|\S+)')
"""What a minus takes away."""

_MINE = "agent_id = %(agent)s and (%(document)s::text is null or lower(name) = lower(%(document)s))"

_LANGUAGES = """
languages as (
  select distinct language, language::regconfig as rules from knowledge_document
  where agent_id = %(agent)s and generation > 0
)
"""

_WORDS = f"""
{_LANGUAGES},
spoken as (
  select lexeme from unnest(to_tsvector('simple', %(wanted)s))
  where not exists (select from languages where length(to_tsvector(rules, lexeme)) = 0)
),
words as (
  select lexeme, bool_or(spoken) as spoken from (
    select lexeme, true as spoken from spoken
    union all
    select stem.lexeme, false from languages, spoken, unnest(to_tsvector(rules, spoken.lexeme)) stem
  ) every
  group by lexeme order by length(lexeme) desc, lexeme limit {_MOST_WORDS}
),
hits as (
  select lexeme, spoken, id from words left join lateral (
    select id from knowledge_passage
    where {_MINE} and search @@ (%(agent)s::tsquery && plainto_tsquery('simple', lexeme)) limit {_LOOKED_AT}
  ) passage on true
)
"""  # noqa: S608 - constants
"""The words of a query, as they are said and as their stems, without those that mean nothing in any of the languages; and where each stands."""

_EVERY_WORD = f"""
with {_LANGUAGES},
asked as (select language, websearch_to_tsquery(rules, %(query)s) as query from languages)
select id from asked cross join lateral (
  select id, search from knowledge_passage
  where {_MINE} and language = asked.language and search @@ (%(agent)s::tsquery && query) limit {_LOOKED_AT}
) passage
where numnode(query) > 0
group by id order by max(ts_rank_cd(search, query)) desc, id limit {_RANKED}
"""  # noqa: S608 - constants
"""Passages with all that is asked for, in the search syntax of the web: quotes, OR, minus."""

_ANY_WORD = f"""
with {_WORDS},
weights as (
  select lexeme, ln(1 + (select sum(passages) from knowledge_document where agent_id = %(agent)s) / count(id)::float) as weight
  from hits group by lexeme having count(id) > 0
)
select hits.id from hits join weights using (lexeme) where id is not null
group by hits.id order by sum(weight) desc, hits.id limit {_RANKED}
"""  # noqa: S608 - constants
"""Passages with any of the words; a word counts the more, the fewer passages have it."""

_LIKENESS = f"""
with {_WORDS},
rare as (
  select lexeme from hits where spoken and length(lexeme) > 3 group by lexeme having count(id) <= {_FEW}
),
alike as (
  select lexeme, word, nearness from rare cross join lateral (
    select word, similarity(rare.lexeme, word) as nearness from knowledge_vocabulary
    where agent_id = %(agent)s and rare.lexeme <%% word
    group by word order by nearness desc, word limit {_FEW}
  ) near
),
found as (
  select id, lexeme, max(nearness) as nearness from alike cross join lateral (
    select id from knowledge_passage
    where {_MINE} and search @@ (%(agent)s::tsquery && plainto_tsquery('simple', word)) limit {_LOOKED_AT}
  ) passage
  group by id, lexeme
)
select id from found group by id order by sum(nearness) desc, id limit {_RANKED}
"""  # noqa: S608 - constants
"""Passages with words like those that hardly any passage has: misspelt ones, other forms, parts of compounds."""

_NEARNESS = f"""
select id from knowledge_passage
where {_MINE} and embedded_with = %(model)s and cardinality(embedding) = %(dimensions)s
order by embedding::vector <=> %(vector)s::vector, id limit {_RANKED}
"""  # noqa: S608 - constants
"""Passages that mean much the same. Compared one by one: an agent's passages are few, and none may be missed."""

_ONE_MOMENT = "set transaction isolation level repeatable read, read only"
"""A document that is indexed anew meanwhile is found as it was when the search began."""

_SHOWN = "select id, document_id, name, heading, page, content from knowledge_passage where id = any(%s)"


@dataclass(frozen=True)
class Passage:
    """What was found. `document`: its name. `score`: only compares passages of one search."""

    document_id: str
    document: str
    heading: str
    page: int | None
    text: str
    score: float


@dataclass(frozen=True)
class Found:
    """The passages, the best first, and the rankings that they come from. `missing`: what could not be asked, in words."""

    passages: tuple[Passage, ...]
    rankings: tuple[str, ...]
    missing: tuple[str, ...] = ()


class SearchTooSlow(Exception):
    """The database took longer than a statement may."""


@dataclass
class Knowledge:
    """Where an agent looks things up."""

    store: Store
    embedder: Embedder | None = None
    _extensions: frozenset[str] | None = field(default=None, init=False)

    async def search(
        self, tenant: TenantId, agent: AgentId, query: str, most: int, document: str | None = None
    ) -> Found:
        """
        Return the passages that answer a query best, at most so many; of one document where it is named.

        Raises SearchTooSlow where the database took longer than a statement may.
        """
        said = folded(query[:_LONGEST_QUERY])
        asked: dict[str, object] = {
            "agent": agent,
            "document": document,
            "query": said,
            "wanted": _UNWANTED.sub(" ", said),
        }
        vector = await self._vector(query[:_LONGEST_QUERY])
        async with self.store.connection(tenant) as connection:
            rankings, missing = self._rankings(await self._available(connection), vector is not None)
            if vector is not None and self.embedder is not None:
                asked |= {"model": self.embedder.model, "vector": str(vector), "dimensions": len(vector)}
            try:
                passages = await _passages(connection, rankings.values(), asked, most)
            except QueryCanceled as error:
                raise SearchTooSlow from error
        return Found(passages, tuple(rankings), missing)

    async def missing(self) -> tuple[str, ...]:
        """Return in words what this database or configuration cannot do; says so in the log too, once."""
        async with self.store.connection() as connection:
            return self._rankings(await self._available(connection), self.embedder is not None)[1]

    def _rankings(self, extensions: frozenset[str], embedded: bool) -> tuple[Mapping[str, str], tuple[str, ...]]:  # noqa: FBT001
        rankings = {"every_word": _EVERY_WORD, "any_word": _ANY_WORD}
        missing = []
        if "pg_trgm" in extensions:
            rankings["likeness"] = _LIKENESS
        else:
            missing.append("Misspelt words are not found: the database has no extension pg_trgm.")
        if self.embedder is not None and "vector" not in extensions:
            missing.append("Embeddings are not compared: the database has no extension vector.")
        elif embedded:
            rankings["nearness"] = _NEARNESS
        elif self.embedder is not None:
            missing.append("Embeddings are not compared: their endpoint does not answer.")
        return rankings, tuple(missing)

    async def _available(self, connection: Connection) -> frozenset[str]:
        if self._extensions is None:
            cursor = await connection.execute("select extname from pg_extension")
            self._extensions = frozenset(row["extname"] for row in await cursor.fetchall())
            for said in self._rankings(self._extensions, self.embedder is not None)[1]:
                log.warning(KNOWLEDGE_REDUCED, reason=said)
        return self._extensions

    async def _vector(self, query: str) -> Sequence[float] | None:
        if self.embedder is None:
            return None
        try:
            [vector] = await self.embedder.embed([query])
        except EmbeddingsUnavailable:
            log.warning(KNOWLEDGE_REDUCED, reason="The embeddings endpoint does not answer.")
            return None
        return vector


def fused(rankings: Iterable[Sequence[int]]) -> list[tuple[int, float]]:
    """Merge rankings by reciprocal rank: what several of them name early comes first."""
    scores: dict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, passage in enumerate(ranking, start=1):
            scores[passage] += 1 / (_SMOOTHING + rank)
    return sorted(scores.items(), key=lambda scored: (-scored[1], scored[0]))


async def _passages(
    connection: Connection, rankings: Iterable[str], asked: Mapping[str, object], most: int
) -> tuple[Passage, ...]:
    async with connection.pipeline(), connection.transaction():
        await connection.execute(_ONE_MOMENT)
        cursors = [await connection.execute(ranking.encode(), asked) for ranking in rankings]
        ranked = [[row["id"] for row in await cursor.fetchall()] for cursor in cursors]
        return await _shown(connection, fused(ranked)[:most])


async def _shown(connection: Connection, scored: Sequence[tuple[int, float]]) -> tuple[Passage, ...]:
    cursor = await connection.execute(_SHOWN, ([passage for passage, _ in scored],))
    rows: dict[int, dict[str, Any]] = {row["id"]: row for row in await cursor.fetchall()}
    return tuple(
        Passage(row["document_id"], row["name"], row["heading"], row["page"], row["content"], round(score, 6))
        for passage, score in scored
        if (row := rows.get(passage)) is not None
    )
