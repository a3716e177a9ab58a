"""
Indexes documents in the background: one at a time in each console, and the queue is the table.

A document belongs to whoever claimed it last (`building`); that of a killed console is taken over by another one, or by the
next. Passages are written beside those that are searched, and take their place in one transaction.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from psycopg.errors import ForeignKeyViolation

from services.console.job import Worker
from shared.ids import AgentId, TenantId
from shared.knowledge import Embedder, EmbeddingsUnavailable, folded
from shared.reading.passages import Passage
from shared.reading.sandbox import ReadingFailed, read
from shared.store.presence import OWNER_IS_DEAD
from shared.store.sealed import KNOWLEDGE_CONTENT
from shared.store.session import EVERY_TENANT, Store
from shared.telemetry import DOCUMENT_INDEXED, KNOWLEDGE_REDUCED, log
from shared.vault import Vault

_BATCH = 50
"""Passages that are embedded and written at a time."""

_MOST_ATTEMPTS = 3

_CLAIM = f"""
update knowledge_document
set state = 'indexing', owner = %(owner)s, building = building + 1, attempts = attempts + 1
where id = (
  select id from knowledge_document
  where state = 'queued' or (state = 'indexing' and (owner = %(owner)s or {OWNER_IS_DEAD.format(column="owner")}))
  order by tenant_id = %(last)s, queued_at, id limit 1 for update skip locked
)
returning id, tenant_id, agent_id, name, language, building, attempts, sealed_content
"""  # noqa: S608 - constants
"""Another tenant's document comes before one more of the tenant whose turn it was just now."""

_WRITE = """
insert into knowledge_chunk
  (tenant_id, agent_id, document_id, generation, ordinal, heading, page, content, search, embedding)
values (%(tenant)s, %(agent)s::text, %(document)s, %(generation)s, %(ordinal)s, %(heading)s, %(page)s, %(content)s,
        to_tsvector('simple', %(folded)s::text) || to_tsvector(%(language)s::regconfig, %(folded)s::text)
          || array_to_tsvector(array[%(agent)s::text]), %(embedding)s)
"""
_SWAP = """
update knowledge_document
set state = 'ready', generation = building, passages = %(passages)s, embedded_with = %(model)s, media_type = %(kind)s,
    failure = null, owner = null, indexed_at = now()
where id = %(document)s and building = %(generation)s and state = 'indexing' returning 1
"""
_FORGET_WORDS = "delete from knowledge_word where document_id = %(document)s"
_LEARN_WORDS = """
insert into knowledge_word (tenant_id, agent_id, document_id, word)
select distinct tenant_id, agent_id, document_id, lexeme from knowledge_chunk, unnest(search)
where document_id = %(document)s and generation = %(generation)s and length(lexeme) > 3 and lexeme <> agent_id
"""
_FAIL = """
update knowledge_document set state = 'failed', failure = %(failure)s, media_type = %(kind)s, owner = null
where id = %(document)s and building = %(generation)s and state = 'indexing' returning 1
"""
_CLEAR = """
delete from knowledge_chunk using knowledge_document document
where document.id = document_id and document_id = %(document)s and knowledge_chunk.generation <> document.generation
  and knowledge_chunk.generation <= %(generation)s
"""
"""Takes away what is not searched; what somebody began later is theirs."""


@dataclass(frozen=True)
class Job:
    """A document that is ours to index, as its `generation`."""

    document: str
    tenant: TenantId
    agent: AgentId
    name: str
    language: str
    generation: int
    attempts: int
    sealed_content: bytes


@dataclass
class Indexing(Worker):
    """The worker of this process. `owner`: its number (`presence`)."""

    store: Store
    vault: Vault
    owner: int
    embedder: Embedder | None = None
    _last: TenantId = field(default=TenantId(""), init=False)

    async def next(self) -> bool:
        """Index one document; false where none waits."""
        job = await self.claim()
        if job is None:
            return False
        self._last = job.tenant
        if job.attempts > _MOST_ATTEMPTS:
            await self._fail(job, "given_up")
            return True
        with suppress(ForeignKeyViolation, ReadingFailed):  # it was deleted meanwhile, or is tried again
            await self.index(job)
        return True

    async def claim(self) -> Job | None:
        """Take a document that waits, or whose console is gone."""
        async with self.store.connection(EVERY_TENANT) as connection:
            cursor = await connection.execute(_CLAIM, {"owner": self.owner, "last": self._last})
            row = await cursor.fetchone()
        if row is None:
            return None
        return Job(
            row["id"],
            TenantId(row["tenant_id"]),
            AgentId(row["agent_id"]),
            row["name"],
            row["language"],
            row["building"],
            row["attempts"],
            row["sealed_content"],
        )

    async def index(self, job: Job) -> None:
        """Read a document and let it be searched, or note why it cannot be. Raises ReadingFailed."""
        async with self.store.connection(job.tenant):
            content = self.vault.open(job.sealed_content, KNOWLEDGE_CONTENT.at(job.tenant, job.document))
        reading = await read(content, job.name)
        if reading.failure is not None:
            await self._fail(job, reading.failure, reading.kind)
            return
        embedded = self.embedder is not None
        for start in range(0, len(reading.passages), _BATCH):
            batch = reading.passages[start : start + _BATCH]
            vectors = await self._vectors(batch) if embedded else None
            embedded = vectors is not None
            await self.write(job, start, batch, vectors or [None] * len(batch))
        await self.swap(job, reading.kind, len(reading.passages), embedded=embedded)

    async def _vectors(self, batch: Sequence[Passage]) -> Sequence[list[float] | None] | None:
        """Return the vectors; None where there are none to be had: then words alone are compared, and the document tells."""
        if self.embedder is None:
            return None
        try:
            return await self.embedder.embed([f"{passage.heading}\n{passage.text}".strip() for passage in batch])
        except EmbeddingsUnavailable:
            log.warning(KNOWLEDGE_REDUCED, reason="The embeddings endpoint does not answer.")
            return None

    async def write(
        self, job: Job, start: int, batch: Sequence[Passage], vectors: Sequence[list[float] | None]
    ) -> None:
        """Write passages, from the `start`th on, beside those that are searched."""
        rows = [
            {
                "tenant": job.tenant,
                "document": job.document,
                "generation": job.generation,
                "agent": job.agent,
                "language": job.language,
                "ordinal": ordinal,
                "heading": passage.heading,
                "page": passage.page,
                "content": passage.text,
                "folded": folded(f"{passage.heading}\n{passage.text}"),
                "embedding": vector,
            }
            for ordinal, (passage, vector) in enumerate(zip(batch, vectors, strict=True), start)
        ]
        async with self.store.transaction(job.tenant) as connection:
            await connection.cursor().executemany(_WRITE, rows)

    async def swap(self, job: Job, kind: str, passages: int, *, embedded: bool) -> None:
        """Let what was written be searched from now on, in place of what was."""
        model = self.embedder.model if embedded and self.embedder else None
        facts = {"kind": kind, "passages": passages, "model": model}
        if await self._end(job, facts, _SWAP, _FORGET_WORDS, _LEARN_WORDS):
            log.info(DOCUMENT_INDEXED, document=job.document, tenant=job.tenant, passages=passages, embedded=embedded)

    async def _fail(self, job: Job, failure: str, kind: str = "") -> None:
        if await self._end(job, {"failure": failure, "kind": kind}, _FAIL):
            log.info(DOCUMENT_INDEXED, document=job.document, tenant=job.tenant, passages=0, failure=failure)

    async def _end(self, job: Job, facts: dict[str, object], statement: str, *then: str) -> bool:
        """Tell what the job came to; false when somebody claimed or queued the document since. Clear what is not searched."""
        values = {"document": job.document, "generation": job.generation, **facts}
        async with self.store.transaction(job.tenant) as connection:
            counted = await (await connection.execute(statement, values)).fetchone()
            for more in (*(then if counted else ()), _CLEAR):
                await connection.execute(more, values)
        return counted is not None
