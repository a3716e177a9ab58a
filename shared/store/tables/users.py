"""Who administers: users, their sessions, API keys, and what they did."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Column, DateTime, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from shared.store.tables.columns import big, counted, moment, now, sealed, texts, told, version


class AppUser(SQLModel, table=True):
    """A member of a tenant. Written by the console."""

    __tablename__ = "app_user"
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    email: str = Field(unique=True)
    name: str = told("")
    role: str
    disabled_at: datetime | None = moment()
    version: int = version()
    created_at: datetime = now()


class UserSignIn(SQLModel, table=True):
    """
    How a member proves who they are. Written by the console.

    `password_hash`: argon2id. `sealed_totp`: the secret of their authenticator, in force since `totp_at`; `totp_step`: the
    last step that was used, since a code counts once. `recovery_codes`: digests of those that are left.
    """

    __tablename__ = "user_sign_in"
    user_id: str = Field(primary_key=True, foreign_key="app_user.id", ondelete="CASCADE")
    tenant_id: str = Field(foreign_key="tenant.id")
    password_hash: str | None = None
    sealed_totp: bytes | None = sealed(nullable=True)
    totp_at: datetime | None = moment()
    totp_step: int = big()
    recovery_codes: list[str] = texts()
    changed_at: datetime = now()


class UserSession(SQLModel, table=True):
    """
    A browser in which a member signed in, by the digest of its cookie. Written by the console.

    `stage`: code, where the second factor is still asked for; enrol, where one has to be set up first; whole.
    """

    __tablename__ = "user_session"
    digest: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    user_id: str = Field(foreign_key="app_user.id", index=True, ondelete="CASCADE")
    stage: str
    created_at: datetime = now()
    seen_at: datetime = now()


class SetupToken(SQLModel, table=True):
    """What lets a member choose a password, once. Written by the console."""

    __tablename__ = "setup_token"
    digest: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    user_id: str = Field(foreign_key="app_user.id", index=True, ondelete="CASCADE")
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    created_at: datetime = now()


class RefusedSignIn(SQLModel, table=True):
    """How often sign-in failed for an account from an address, both within a keyed digest. Written by the console."""

    __tablename__ = "refused_sign_in"
    key: str = Field(primary_key=True)
    tenant_id: str | None = None
    failures: int = counted()
    last_at: datetime = now()


class ApiKey(SQLModel, table=True):
    """
    A key of the REST API, as a digest. Without a tenant it is the platform's. Written by the console.

    `scopes`: `resource:read`, `resource:write` and the like.
    """

    __tablename__ = "api_key"
    id: str = Field(primary_key=True)
    tenant_id: str | None = Field(None, foreign_key="tenant.id")
    name: str
    digest: str = Field(unique=True)
    scopes: list[str] = Field(sa_column=Column(ARRAY(String), nullable=False))
    created_by: str = told("")
    expires_at: datetime | None = moment()
    last_used_at: datetime | None = moment()
    revoked_at: datetime | None = moment()
    created_at: datetime = now()


class Audit(SQLModel, table=True):
    """Who did what to what, append-only: nobody may change or delete a row but the retention job. Written by the console."""

    __table_args__ = (
        Index("audit_newest", "tenant_id", "id"),
        Index("audit_object", "object", "id"),
    )
    id: str = Field(primary_key=True)
    tenant_id: str | None = None
    actor: str
    action: str
    object: str
    before: dict[str, Any] | None = Field(None, sa_column=Column(JSONB))
    after: dict[str, Any] | None = Field(None, sa_column=Column(JSONB))
    at: datetime = now()


class IdempotentRequest(SQLModel, table=True):
    """
    A POST that was made under an Idempotency-Key, and its answer, sealed; without one while it runs. Written by the console.
    """

    __tablename__ = "idempotent_request"
    holder: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    tenant_id: str | None = None
    fingerprint: str
    status: int | None = None
    sealed_answer: bytes | None = sealed(nullable=True)
    created_at: datetime = now()
