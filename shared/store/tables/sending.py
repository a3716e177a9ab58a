"""Replies on their way out, and what was given up."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from shared.store.tables.columns import counted, document, identity, moment, now, sealed


class Reply(SQLModel, table=True):
    """
    An answer, in Markdown with its sources, sealed. Written by router (commands, notices) and agent; egress moves `state`.

    States: open (not cut), cut (its parts are being sent), done, failed, cancelled.
    """

    __table_args__ = (
        UniqueConstraint("turn_id", name="reply_turn_key"),
        UniqueConstraint("public_id", name="reply_public_key"),
        Index("reply_open", "thread", "id", postgresql_where=text("state in ('open', 'cut')")),
        Index("reply_conversation", "conversation_id", "id"),
        Index("reply_thread_seq", "thread", "after_seq"),
    )
    id: int | None = identity()
    public_id: str
    tenant_id: str
    thread: str = Field(foreign_key="thread.key")
    conversation_id: str | None = Field(None, foreign_key="conversation.id")
    turn_id: str | None = Field(None, foreign_key="turn.id")
    after_seq: int = Field(sa_type=BigInteger)
    kind: str
    state: str = Field(sa_column_kwargs={"server_default": text("'open'")})
    sealed_body: bytes | None = sealed(nullable=True)
    trace: dict[str, str] = document()
    received_at: datetime = Field(sa_type=DateTime(timezone=True))
    created_at: datetime = now()


class Part(SQLModel, table=True):
    """A piece of a reply as it is sent. Written by egress."""

    __table_args__ = (
        UniqueConstraint("reply_id", "ordinal", name="part_reply_ordinal_key"),
        Index("part_thread", "thread", "reply_id", "ordinal"),
        Index("part_open", "thread", postgresql_where=text("state in ('parked', 'queued', 'sending', 'unknown')")),
        Index("part_provider", "provider_sid", unique=True, postgresql_where=text("provider_sid is not null")),
        Index("part_newest", "tenant_id", "created_at", "id"),
    )
    id: int | None = identity()
    tenant_id: str
    thread: str = Field(foreign_key="thread.key")
    reply_id: int = Field(foreign_key="reply.id", sa_type=BigInteger)
    ordinal: int
    sealed_body: bytes | None = sealed(nullable=True)
    state: str = Field(sa_column_kwargs={"server_default": text("'queued'")})
    provider_sid: str | None = None
    failure: str | None = None
    error_code: int | None = None
    tries: int = counted()
    checks: int = counted()
    resent: bool = Field(sa_column_kwargs={"server_default": text("false")})
    next_at: datetime | None = moment()
    accepted_at: datetime | None = moment()
    created_at: datetime = now()


class Attempt(SQLModel, table=True):
    """One call to the provider, written before it is made. Written by egress."""

    id: str = Field(primary_key=True)
    tenant_id: str
    part_id: int = Field(foreign_key="part.id", sa_type=BigInteger, index=True)
    outcome: str = Field(sa_column_kwargs={"server_default": text("'sending'")})
    http_status: int | None = None
    error_code: int | None = None
    provider_sid: str | None = None
    started_at: datetime = now()
    ended_at: datetime | None = moment()


class StatusEvent(SQLModel, table=True):
    """What the provider reported of a part, append-only. Written by egress."""

    __tablename__ = "status_event"
    __table_args__ = (
        UniqueConstraint("provider_sid", "status", name="status_event_sid_status_key"),
        Index("status_event_part", "part_id"),
    )
    id: int | None = identity()
    tenant_id: str
    part_id: int = Field(foreign_key="part.id", sa_type=BigInteger)
    provider_sid: str
    status: str
    error_code: int | None = None
    reported_at: datetime = Field(sa_type=DateTime(timezone=True))
    stored_at: datetime = now()


class DeadLetter(SQLModel, table=True):
    """
    Work that was given up, with the place of its payload. Written by router, agent, egress and, from JetStream's
    advisories, by the console, which also moves `state`: waiting, replayed, discarded.
    """

    __tablename__ = "dead_letter"
    __table_args__ = (
        Index("dead_letter_waiting", "stage", "payload", unique=True, postgresql_where=text("state = 'waiting'")),
        Index("dead_letter_newest", "tenant_id", "created_at"),
        Index("dead_letter_thread", "thread"),
    )
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    thread: str
    stage: str
    reason: str
    attempts: int
    payload: str
    state: str = Field(sa_column_kwargs={"server_default": text("'waiting'")})
    created_at: datetime = now()
    settled_at: datetime | None = moment()
    settled_note: str | None = None
    """Why it was discarded."""
