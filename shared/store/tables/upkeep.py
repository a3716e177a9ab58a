"""What the platform does by itself: erasures, jobs, and the counts of monitoring."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from shared.store.tables.columns import document, moment, now


class Erasure(SQLModel, table=True):
    """
    A person who is to be forgotten, or was. Written by the console; by the router where contacts prove to be one.

    `contact_id`: a name that says nothing once it is done. `threads`: by tenant and key, with up to where the stream is to
    be emptied; only until it is done. `copies`: what the provider has still to delete: line, provider's id. `finished_at`:
    when nothing was left. `actor`, `reason`: who wanted it, and why.
    """

    __table_args__ = (
        Index("erasure_contact", "contact_id"),
        Index("erasure_open", "id", postgresql_where=text("finished_at is null")),
    )
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    contact_id: str
    actor: str
    reason: str
    provider_copies: bool
    threads: list[Any] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'[]'::jsonb")))
    copies: list[Any] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'[]'::jsonb")))
    erased: dict[str, Any] = document()
    """How many rows, stream messages and copies went."""
    created_at: datetime = now()
    finished_at: datetime | None = moment()


class JobRun(SQLModel, table=True):
    """The last complete run of a periodic job. Written by the job."""

    __tablename__ = "job_run"
    name: str = Field(primary_key=True)
    started_at: datetime = Field(sa_type=DateTime(timezone=True))
    finished_at: datetime = now()


class Traffic(SQLModel, table=True):
    """
    What a company's lines did in a minute or an hour (`grain`), counted by the console's roll-up (ADR 22). Written by the console.

    `what`: in, limited, out, failed, undelivered, unsettled, given_up/agent, given_up/other, or latency/N, a bucket of reply times. The
    grain `people` holds no counts: it notes the hours whose busiest people are due to be counted.
    """

    __table_args__ = (Index("traffic_unsettled", "tenant_id", "at", postgresql_where=text("what = 'unsettled'")),)
    tenant_id: str = Field(primary_key=True)
    grain: str = Field(primary_key=True)
    at: datetime = Field(primary_key=True, sa_type=DateTime(timezone=True))
    what: str = Field(primary_key=True)
    count: int = Field(sa_type=BigInteger)


class TrafficContact(SQLModel, table=True):
    """How many messages each of an hour's busiest people wrote. Gone with the person. Written by the console."""

    __tablename__ = "traffic_contact"
    tenant_id: str = Field(primary_key=True)
    hour: datetime = Field(primary_key=True, sa_type=DateTime(timezone=True))
    contact_id: str = Field(primary_key=True, foreign_key="contact.id", ondelete="CASCADE", index=True)
    messages: int = Field(sa_type=BigInteger)


class RollupPlace(SQLModel, table=True):
    """How far the roll-up has read what is only ever added to. Written by the console."""

    __tablename__ = "rollup_place"
    feed: str = Field(primary_key=True)
    place: str
