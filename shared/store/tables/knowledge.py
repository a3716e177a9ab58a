"""What agents look things up in."""

from datetime import datetime

from sqlalchemy import ARRAY, REAL, BigInteger, Column, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlmodel import Field, SQLModel

from shared.store.tables.columns import counted, identity, moment, now, sealed, told, version


class KnowledgeDocument(SQLModel, table=True):
    """
    A document that an agent looks things up in (ADR 15). Written by the console.

    `state`: queued, indexing, ready or failed, then with the code of why in `failure`. `generation`: of the passages that are
    searched; 0: none yet. `building`: the newest that was begun; only its builder, `owner`, may let it be searched.
    `embedded_with`: the model whose vectors the passages have.
    """

    __tablename__ = "knowledge_document"
    __table_args__ = (
        UniqueConstraint("agent_id", "name", name="knowledge_document_agent_name_key"),
        ForeignKeyConstraint(
            ["tenant_id", "agent_id"], ["agent.tenant_id", "agent.id"], name="knowledge_document_agent_own"
        ),
        Index("knowledge_document_to_do", "queued_at", postgresql_where=text("state in ('queued', 'indexing')")),
    )
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    agent_id: str
    name: str
    media_type: str = told("")
    language: str
    digest: str
    size: int
    sealed_content: bytes = sealed()
    state: str = told("queued")
    failure: str | None = None
    generation: int = counted()
    building: int = counted()
    attempts: int = counted()
    owner: int | None = Field(None, sa_type=BigInteger)
    passages: int = counted()
    embedded_with: str | None = None
    queued_at: datetime = now()
    indexed_at: datetime | None = moment()
    version: int = version()
    created_at: datetime = now()


class KnowledgeChunk(SQLModel, table=True):
    """
    A passage of a document, in clear: it is what full-text search reads (ADR 15). Written by the console.

    `search`: the words of its headings and its text, without case and accents, and the agent's id among them, by which the
    index answers for one agent. `embedding`: of the model that the document names.
    """

    __tablename__ = "knowledge_chunk"
    __table_args__ = (
        UniqueConstraint("document_id", "generation", "ordinal", name="knowledge_chunk_place_key"),
        Index("knowledge_chunk_agent", "agent_id"),
        Index("knowledge_chunk_search", "search", postgresql_using="gin"),
    )
    id: int | None = identity()
    tenant_id: str
    agent_id: str
    document_id: str = Field(foreign_key="knowledge_document.id", ondelete="CASCADE")
    generation: int
    ordinal: int
    heading: str = told("")
    page: int | None = None
    content: str
    search: str = Field(sa_column=Column(TSVECTOR, nullable=False))
    embedding: list[float] | None = Field(None, sa_column=Column(ARRAY(REAL)))


class KnowledgeWord(SQLModel, table=True):
    """A word of a document that is searched: what was misspelt is looked up among them. Written by the console."""

    __tablename__ = "knowledge_word"
    __table_args__ = (
        Index(
            "knowledge_word_alike", "agent_id", "word", postgresql_using="gin", postgresql_ops={"word": "gin_trgm_ops"}
        ),
    )
    document_id: str = Field(primary_key=True, foreign_key="knowledge_document.id", ondelete="CASCADE")
    word: str = Field(primary_key=True)
    tenant_id: str
    agent_id: str
