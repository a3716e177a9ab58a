"""An agent's documents: taken in, shown, indexed anew, removed."""

import hashlib
from dataclasses import dataclass

from psycopg.rows import DictRow

from services.console.access import Principal
from services.console.knowledge.indexing import Indexing
from services.console.records import Deed, Records, Table, Unknown, note
from shared.ids import AgentId, TenantId, new_id
from shared.store.sealed import KNOWLEDGE_CONTENT
from shared.store.session import Connection, Store
from shared.vault import Vault

DOCUMENTS = Table(
    "knowledge_document",
    "kd",
    {
        "id": "id",
        "tenant": "tenant_id",
        "agent": "agent_id",
        "name": "name",
        "media_type": "media_type",
        "language": "language",
        "digest": "digest",
        "bytes": "size",
        "state": "state",
        "failure": "failure",
        "generation": "generation",
        "passages": "passages",
        "embedded_with": "embedded_with",
        "indexed_at": "indexed_at",
        "version": "version",
        "created_at": "created_at",
    },
)
MOST_DOCUMENTS = 500
"""Documents that an agent may have."""

_PUT = """
insert into knowledge_document as old (id, tenant_id, agent_id, name, language, digest, size, sealed_content)
values (%(id)s, %(tenant)s, %(agent)s, %(name)s, %(language)s, %(digest)s, %(size)s, %(content)s)
on conflict (agent_id, name) do update
  set language = excluded.language, digest = excluded.digest, size = excluded.size,
      sealed_content = excluded.sealed_content, version = old.version + 1,
      state = 'queued', failure = null, attempts = 0, queued_at = now()
  where (old.digest, old.language) is distinct from (excluded.digest, excluded.language)
returning id
"""
_REQUEUE = """
update knowledge_document set state = 'queued', failure = null, attempts = 0, queued_at = now(), version = version + 1
where id = %s returning id
"""


class TooManyDocuments(Exception):
    """The agent has as many documents as it may."""


@dataclass(frozen=True)
class NewDocument:
    """A file as it came. `language`: how its words are stemmed, one of Postgres's text search configurations."""

    name: str
    content: bytes
    language: str


@dataclass(frozen=True)
class Documents:
    """The documents, and who indexes them."""

    store: Store
    vault: Vault
    indexing: Indexing
    language: str = "english"
    """Of a document that names none."""

    @property
    def records(self) -> Records:
        """Return the plain rows."""
        return Records(self.store, DOCUMENTS)

    async def get(self, who: Principal, agent: str, document: str) -> DictRow:
        """Return one of an agent's. Raises Unknown."""
        found = await self.records.get(who, document)
        if found["agent"] != agent:
            raise Unknown
        return found

    async def put(self, who: Principal, agent: AgentId, tenant: TenantId, new: NewDocument) -> tuple[DictRow, bool]:
        """
        Take a document in, or a new content for the one of this name, which is searched until the new one can be.

        Returns it, and whether it is new. The same content in the same language again changes nothing. Raises TooManyDocuments.
        """
        async with self.store.transaction(tenant) as connection:
            known = await _named(connection, agent, new.name)
            document = known or new_id(DOCUMENTS.prefix)
            put = await connection.execute(_PUT, self._row(document, tenant, agent, new))
            if await put.fetchone():
                verb = "changed" if known else "created"
                after = {"name": new.name, "bytes": len(new.content), "language": new.language}
                await note(connection, who, Deed(f"knowledge_document.{verb}", document, tenant, after=after))
        self.indexing.wake()
        return await self.get(who, agent, document), known is None

    async def index_again(self, who: Principal, agent: str, document: str) -> DictRow:
        """Have a document read and cut anew; it is searched as it was until then. Raises Unknown."""
        found = await self.get(who, agent, document)
        async with self.store.transaction(who.sees) as connection:
            await connection.execute(_REQUEUE, (document,))
            await note(connection, who, Deed("knowledge_document.queued", document, found["tenant"]))
        self.indexing.wake()
        return await self.get(who, agent, document)

    async def remove(self, who: Principal, agent: str, document: str, version: int) -> None:
        """Forget a document with its passages. Raises as Records does."""
        await self.get(who, agent, document)
        await self.records.remove(who, document, version)

    def _row(self, document: str, tenant: TenantId, agent: AgentId, new: NewDocument) -> dict[str, object]:
        return {
            "id": document,
            "tenant": tenant,
            "agent": agent,
            "name": new.name,
            "language": new.language,
            "digest": hashlib.sha256(new.content).hexdigest(),
            "size": len(new.content),
            "content": self.vault.seal(new.content, KNOWLEDGE_CONTENT.at(tenant, document)),
        }


async def _named(connection: Connection, agent: AgentId, name: str) -> str | None:
    """Return the id of the document of a name, if there is one; else there is room for it. Uploads to one agent wait here."""
    await connection.execute("select 1 from agent where id = %s for no key update", (agent,))
    cursor = await connection.execute(
        "select count(*) as documents, min(id) filter (where name = %s) as known from knowledge_document where agent_id = %s",
        (name, agent),
    )
    row = await cursor.fetchone()
    if row and not row["known"] and row["documents"] >= MOST_DOCUMENTS:
        raise TooManyDocuments
    return row["known"] if row else None
