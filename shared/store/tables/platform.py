"""The platform and its tenants: their keys, Twilio accounts and lines."""

from datetime import datetime
from typing import Any

from sqlalchemy import REAL, BigInteger, ForeignKeyConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from shared.store.tables.columns import counted, document, flag, moment, now, sealed, told, version


class Tenant(SQLModel, table=True):
    """
    A company, and what holds for all that it has (spec.md, section 5). Written by the console.

    `agent_id`: who answers its users on shared lines. `privacy`: hashed or encrypted. `history`: whether texts may be read
    once they are answered. `daily_messages`: how many inbound messages a day it may have answered; `daily_tokens`: how many tokens
    its agents may spend a day, by UTC; none: no limit.
    """

    __table_args__ = (
        ForeignKeyConstraint(
            ["id", "agent_id"], ["agent.tenant_id", "agent.id"], name="tenant_agent_own", use_alter=True
        ),
    )
    id: str = Field(primary_key=True)
    name: str
    agent_id: str | None = None
    privacy: str = told("hashed")
    history: bool = flag()
    retention_days: int = counted(90)
    daily_messages: int | None = None
    daily_tokens: int | None = Field(None, sa_type=BigInteger)
    version: int = version()
    created_at: datetime = now()


class DataKey(SQLModel, table=True):
    """
    A tenant's key for its rows, wrapped by the key `key_id` of the vault's ring. Written by whoever needs it first.

    The tenant is held by value: its key is made before its first row.
    """

    __tablename__ = "data_key"
    tenant_id: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    key_id: int
    wrapped: bytes
    created_at: datetime = now()


class Credential(SQLModel, table=True):
    """
    A provider account, and the auth token that we call it with and that signs its webhooks. Written by the console.

    `key_sid`, `sealed_key`: an API key to call it with instead. `set_at`, `set_by`, `fingerprint`: when the token was stored,
    by whom, and what tells it from another.
    """

    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    account_sid: str = Field(unique=True)
    name: str = told("")
    sealed_secret: bytes = sealed()
    key_sid: str | None = None
    sealed_key: bytes | None = sealed(nullable=True)
    set_at: datetime = now()
    set_by: str = told("")
    fingerprint: str = told("")
    version: int = version()
    created_at: datetime = now()


class SigningSecret(SQLModel, table=True):
    """
    A further secret that may sign an account's webhooks, during a rotation or as a shared key. Written by the console.

    `kind`: auth_token or shared_key, the latter chosen by its `key_id`. `not_after`: when it is no longer accepted.
    """

    __tablename__ = "signing_secret"
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    credential_id: str = Field(foreign_key="credential.id", index=True)
    kind: str
    key_id: str = told("")
    sealed_secret: bytes = sealed()
    fingerprint: str = told("")
    not_after: datetime | None = moment()
    created_at: datetime = now()


class Line(SQLModel, table=True):
    """
    An address that is answered. Written by the console.

    `kind`: dedicated, or shared by all tenants: then the paired user decides whose agent answers; or test: for those who try an
    agent out, and are nobody's leads. It has no account at a provider. `access`: open or paired.
    `quiet_ms`: how long a burst of messages must pause before its turn starts; 0: at once. `long_replies`: split or
    truncate, at `reply_limit`. `canary`: whether one watches it. `provisioned`: what auto-provisioning found and left at the provider,
    for Undo.
    """

    __table_args__ = (
        UniqueConstraint("credential_id", "sender", name="line_credential_sender_key"),
        ForeignKeyConstraint(["tenant_id", "agent_id"], ["agent.tenant_id", "agent.id"], name="line_agent_own"),
    )
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    agent_id: str = Field(foreign_key="agent.id")
    credential_id: str | None = Field(None, foreign_key="credential.id")
    channel: str
    provider: str
    sender: str
    enabled: bool
    access: str
    kind: str = told("dedicated")
    name: str = told("")
    messaging_service_sid: str | None = None
    quiet_ms: int = counted(0)
    long_replies: str = told("split")
    reply_limit: int = counted(1500)
    media: bool = flag()
    auto_provision: bool = flag(default=True)
    canary: bool = flag()
    provisioned: dict[str, Any] = document()
    provisioned_at: datetime | None = moment()
    version: int = version()
    created_at: datetime = now()


class Canary(SQLModel, table=True):
    """
    What became of the canary that watches a line (ADR 30). Written by the console.

    `since`: when it began to watch. `stuck_at`: the stage at which the last conversation got stuck; none: it was answered,
    at `answered_at`, after `seconds`.
    """

    line_id: str = Field(primary_key=True, foreign_key="line.id", ondelete="CASCADE")
    tenant_id: str = Field(foreign_key="tenant.id")
    since: datetime = now()
    ran_at: datetime | None = moment()
    answered_at: datetime | None = moment()
    stuck_at: str | None = None
    seconds: float | None = Field(None, sa_type=REAL)
