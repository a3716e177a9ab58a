"""People who write: their addresses, pairing, and what is known of them."""

from datetime import date, datetime

from sqlalchemy import Column, DateTime, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from shared.store.tables.columns import counted, identity, moment, now, sealed


class PairCode(SQLModel, table=True):
    """A pairing code, as a keyed digest. Made by the console, spent by the router."""

    __tablename__ = "pair_code"
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    user_id: str = Field(foreign_key="app_user.id", index=True)
    digest: str = Field(unique=True)
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    used_at: datetime | None = moment()
    created_at: datetime = now()


class Contact(SQLModel, table=True):
    """
    A person on a channel. Written by the router. `sealed_address`, `sealed_name`: both or neither; the console's job drops
    them where the tenant is hashed, once nothing is pending.
    """

    __table_args__ = (Index("contact_addressed", "id", postgresql_where=text("sealed_address is not null")),)
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    channel: str
    sealed_address: bytes | None = sealed(nullable=True)
    sealed_name: bytes | None = sealed(nullable=True)
    created_at: datetime = now()


class ContactAlias(SQLModel, table=True):
    """An address under which a contact is known: phone number or user id. Written by the router."""

    __tablename__ = "contact_alias"
    tenant_id: str = Field(primary_key=True, foreign_key="tenant.id")
    channel: str = Field(primary_key=True)
    address_key: str = Field(primary_key=True)
    contact_id: str = Field(foreign_key="contact.id", index=True)
    pepper_version: int


class Binding(SQLModel, table=True):
    """An address that is a user. Written by the router."""

    __table_args__ = (
        UniqueConstraint("channel", "address_key", name="binding_channel_address_key"),
        UniqueConstraint("user_id", "channel", name="binding_user_channel_key"),
    )
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    user_id: str = Field(foreign_key="app_user.id")
    contact_id: str = Field(foreign_key="contact.id", index=True)
    channel: str
    address_key: str
    pepper_version: int
    sealed_address: bytes = sealed()
    created_at: datetime = now()


class Lead(SQLModel, table=True):
    """
    A sender of an open line, once per agent. Written by the router. `source`: the first advertisement or post that they came by
    (`events.InboundReferral`); nothing of it is personal.
    """

    __table_args__ = (
        Index("lead_newest", "tenant_id", "first_seen", "contact_id", "agent_id"),
        Index("lead_contact", "contact_id"),
    )
    tenant_id: str = Field(foreign_key="tenant.id")
    agent_id: str = Field(primary_key=True, foreign_key="agent.id")
    contact_id: str = Field(primary_key=True, foreign_key="contact.id")
    platform: str
    source: dict[str, str] | None = Field(None, sa_column=Column(JSONB, nullable=True))
    messages: int = counted(1)
    first_seen: datetime = now()
    last_seen: datetime = now()


class DailyMessages(SQLModel, table=True):
    """
    How many messages a tenant with a quota gave to its agents on a day, by UTC. Written by the router.

    In `slot`s, each for a share of its threads, so that they do not wait for one another.
    """

    __tablename__ = "daily_messages"
    tenant_id: str = Field(primary_key=True, foreign_key="tenant.id")
    day: date = Field(primary_key=True)
    slot: int = Field(primary_key=True)
    messages: int = counted()


class WrongCode(SQLModel, table=True):
    """A pairing code that was wrong, for the limit of all that a tenant's lines take. Written by the router."""

    __tablename__ = "wrong_code"
    __table_args__ = (Index("wrong_code_newest", "tenant_id", "at"),)
    id: int | None = identity()
    tenant_id: str = Field(foreign_key="tenant.id")
    at: datetime = now()
