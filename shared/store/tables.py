"""
Every table. Each docstring names who writes it. Hot paths use plain SQL in the services' `store.py`.

Columns named `sealed_…` hold vault ciphertext bound to their row; null is what nobody needs any more (ADR 13). Times are the database's, with zone. What every message
writes refers to its thread, reply or part by a foreign key, to its tenant and line by value (ADR 10).

Row-level security keeps tenants apart: a service sees the rows of the tenants that its transaction names, and writes the
columns that the migrations grant to its role (ADR 12). `version`: counts the changes that the API makes.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    REAL,
    BigInteger,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlmodel import Field, SQLModel


def _now() -> Any:  # noqa: ANN401 - SQLModel's Field stands for the column's type
    return Field(sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("now()")})


def _time() -> Any:  # noqa: ANN401
    return Field(None, sa_type=DateTime(timezone=True))


def _big(default: int = 0) -> Any:  # noqa: ANN401
    return Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text(str(default))})


def _sealed(*, nullable: bool = False) -> Any:  # noqa: ANN401
    return Field(None if nullable else ..., sa_type=LargeBinary, nullable=nullable)


def _counted(default: int = 0) -> Any:  # noqa: ANN401
    return Field(sa_column_kwargs={"server_default": text(str(default))})


def _version() -> Any:  # noqa: ANN401
    return Field(sa_column_kwargs={"server_default": text("1")})


def _told(default: str) -> Any:  # noqa: ANN401
    return Field(sa_column_kwargs={"server_default": text(f"'{default}'")})


def _flag(*, default: bool = False) -> Any:  # noqa: ANN401
    return Field(sa_column_kwargs={"server_default": text(str(default).lower())})


def _times() -> Any:  # noqa: ANN401
    return Field(sa_column=Column(ARRAY(DateTime(timezone=True)), nullable=False, server_default=text("'{}'")))


def _json() -> Any:  # noqa: ANN401
    return Field(sa_column=Column(JSONB, nullable=False, server_default=text("'{}'::jsonb")))


def _list() -> Any:  # noqa: ANN401
    return Field(sa_column=Column(ARRAY(String), nullable=False, server_default=text("'{}'")))


def _identity() -> Any:  # noqa: ANN401
    return Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))


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
    privacy: str = _told("hashed")
    history: bool = _flag()
    retention_days: int = _counted(90)
    daily_messages: int | None = None
    daily_tokens: int | None = Field(None, sa_type=BigInteger)
    version: int = _version()
    created_at: datetime = _now()


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
    created_at: datetime = _now()


class AppUser(SQLModel, table=True):
    """A member of a tenant. Written by the console."""

    __tablename__ = "app_user"
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    email: str = Field(unique=True)
    name: str = _told("")
    role: str
    disabled_at: datetime | None = _time()
    version: int = _version()
    created_at: datetime = _now()


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
    sealed_totp: bytes | None = _sealed(nullable=True)
    totp_at: datetime | None = _time()
    totp_step: int = _big()
    recovery_codes: list[str] = _list()
    changed_at: datetime = _now()


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
    created_at: datetime = _now()
    seen_at: datetime = _now()


class SetupToken(SQLModel, table=True):
    """What lets a member choose a password, once. Written by the console."""

    __tablename__ = "setup_token"
    digest: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    user_id: str = Field(foreign_key="app_user.id", index=True, ondelete="CASCADE")
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    created_at: datetime = _now()


class RefusedSignIn(SQLModel, table=True):
    """How often sign-in failed for an account from an address, both within a keyed digest. Written by the console."""

    __tablename__ = "refused_sign_in"
    key: str = Field(primary_key=True)
    tenant_id: str | None = None
    failures: int = _counted()
    last_at: datetime = _now()


class Credential(SQLModel, table=True):
    """
    A provider account, and the auth token that we call it with and that signs its webhooks. Written by the console.

    `key_sid`, `sealed_key`: an API key to call it with instead. `set_at`, `set_by`, `fingerprint`: when the token was stored,
    by whom, and what tells it from another.
    """

    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    account_sid: str = Field(unique=True)
    name: str = _told("")
    sealed_secret: bytes = _sealed()
    key_sid: str | None = None
    sealed_key: bytes | None = _sealed(nullable=True)
    set_at: datetime = _now()
    set_by: str = _told("")
    fingerprint: str = _told("")
    version: int = _version()
    created_at: datetime = _now()


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
    key_id: str = _told("")
    sealed_secret: bytes = _sealed()
    fingerprint: str = _told("")
    not_after: datetime | None = _time()
    created_at: datetime = _now()


class Pipeline(SQLModel, table=True):
    """
    A tenant's pipeline. Written by the console.

    `draft`: the document that is worked on. `active_version`: what turns run; none yet: the shipped default. `past`: versions
    that were active before, the last one last.
    """

    __table_args__ = (
        UniqueConstraint("tenant_id", "id", name="pipeline_tenant_id_key"),
        UniqueConstraint("tenant_id", "name", name="pipeline_tenant_name_key"),
    )
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    name: str
    draft: str
    active_version: int | None = None
    past: list[int] = Field(sa_column=Column(ARRAY(Integer), nullable=False, server_default=text("'{}'")))
    version: int = _version()
    created_at: datetime = _now()


class PipelineVersion(SQLModel, table=True):
    """A version of a pipeline: turns refer to it, so nobody may change it. `author`: as in the audit log. Written by the console."""

    __tablename__ = "pipeline_version"
    pipeline_id: str = Field(primary_key=True, foreign_key="pipeline.id")
    number: int = Field(primary_key=True)
    tenant_id: str
    document: str
    author: str
    created_at: datetime = _now()


class Agent(SQLModel, table=True):
    """
    Instructions, model, memory and pipeline of an assistant. Written by the console.

    `fallback_model`: asked where the model fails. `remembers`: last, then `memory` says how many messages; or whole, then
    within `memory_tokens`, with a summary of what is older. `message_tokens`, `conversation_tokens`: what one message's turn,
    or a conversation, may cost; none: no limit. `pipeline_id`: none: the shipped default.
    """

    __table_args__ = (
        UniqueConstraint("tenant_id", "id", name="agent_tenant_id_key"),
        ForeignKeyConstraint(
            ["tenant_id", "pipeline_id"], ["pipeline.tenant_id", "pipeline.id"], name="agent_pipeline_own"
        ),
        Index("agent_pipeline", "pipeline_id", postgresql_where=text("pipeline_id is not null")),
    )
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    name: str
    instructions: str
    model: str | None = None
    fallback_model: str | None = None
    memory: int = _counted(5)
    remembers: str = _told("last")
    memory_tokens: int = _counted(8000)
    message_tokens: int | None = None
    conversation_tokens: int | None = Field(None, sa_type=BigInteger)
    pipeline_id: str | None = None
    version: int = _version()
    created_at: datetime = _now()


class Action(SQLModel, table=True):
    """
    An HTTP tool of a tenant's own. Written by the console.

    `parameters`: JSON schema of its arguments. `url`, `headers`: templates. `secret_names`: the headers whose values are in
    `sealed_headers`. `results`: paths in the answer. `side_effect`: it happens once per call. `idempotent`: the service knows
    a repeated Idempotency-Key.
    """

    __table_args__ = (UniqueConstraint("tenant_id", "name", name="action_tenant_name_key"),)
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    name: str
    description: str
    parameters: dict[str, Any] = _json()
    method: str
    url: str
    headers: dict[str, str] = _json()
    secret_names: list[str] = _list()
    sealed_headers: bytes | None = _sealed(nullable=True)
    results: list[str] = _list()
    side_effect: bool = _flag()
    idempotent: bool = _flag()
    enabled: bool = _flag(default=True)
    version: int = _version()
    created_at: datetime = _now()


class FormDelivery(SQLModel, table=True):
    """
    Where a tenant has its contact forms sent: one place at a time. Written by the console.

    `kind`: webhook or email. `options`: what is no secret; `secret_names`: of what is in `sealed_secrets`.
    """

    __tablename__ = "form_delivery"
    __table_args__ = (Index("form_delivery_one", "tenant_id", unique=True, postgresql_where=text("enabled")),)
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    kind: str
    options: dict[str, Any] = _json()
    secret_names: list[str] = _list()
    sealed_secrets: bytes | None = _sealed(nullable=True)
    enabled: bool = _flag(default=True)
    version: int = _version()
    created_at: datetime = _now()


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
    kind: str = _told("dedicated")
    name: str = _told("")
    messaging_service_sid: str | None = None
    quiet_ms: int = _counted(0)
    long_replies: str = _told("split")
    reply_limit: int = _counted(1500)
    media: bool = _flag()
    auto_provision: bool = _flag(default=True)
    canary: bool = _flag()
    provisioned: dict[str, Any] = _json()
    provisioned_at: datetime | None = _time()
    version: int = _version()
    created_at: datetime = _now()


class Canary(SQLModel, table=True):
    """
    What became of the canary that watches a line (ADR 30). Written by the console.

    `since`: when it began to watch. `stuck_at`: the stage at which the last conversation got stuck; none: it was answered,
    at `answered_at`, after `seconds`.
    """

    line_id: str = Field(primary_key=True, foreign_key="line.id", ondelete="CASCADE")
    tenant_id: str = Field(foreign_key="tenant.id")
    since: datetime = _now()
    ran_at: datetime | None = _time()
    answered_at: datetime | None = _time()
    stuck_at: str | None = None
    seconds: float | None = Field(None, sa_type=REAL)


class PairCode(SQLModel, table=True):
    """A pairing code, as a keyed digest. Made by the console, spent by the router."""

    __tablename__ = "pair_code"
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    user_id: str = Field(foreign_key="app_user.id", index=True)
    digest: str = Field(unique=True)
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    used_at: datetime | None = _time()
    created_at: datetime = _now()


class Contact(SQLModel, table=True):
    """
    A person on a channel. Written by the router. `sealed_address`, `sealed_name`: both or neither; the console's job drops
    them where the tenant is hashed, once nothing is pending.
    """

    __table_args__ = (Index("contact_addressed", "id", postgresql_where=text("sealed_address is not null")),)
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    channel: str
    sealed_address: bytes | None = _sealed(nullable=True)
    sealed_name: bytes | None = _sealed(nullable=True)
    created_at: datetime = _now()


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
    sealed_address: bytes = _sealed()
    created_at: datetime = _now()


class Thread(SQLModel, table=True):
    """
    A contact's mailbox on one line. Written by router, agent and egress, each its own columns.

    `root`: the eldest thread of the same person on this line, where there are several; all of them name it, itself too
    (ADR 14). `host_contact_id`: on a shared line, who the person is to its own tenant, where `contact_id` is a guest's.
    `guests`: on a shared line, the tenants of the users whom the person was, the present one last; theirs are the messages
    and answers.
    `last_seq`: read up to. `asked_seq`: newest message that wants the agent. `done_seq`: answered up to.
    `owner/fence/lease_until`: who runs the turn. `out_owner/out_fence/out_until`: who sends. `run_at`, `send_at`: when
    there is something to do. `burst_at`: when the messages that wait for the agent began to come. `parked_at`: since when
    replies wait for the person to write again, because the provider's 24 hours are over. `texts_from`: what came before it
    has no text left; written by the console.
    """

    __table_args__ = (
        Index("thread_due", "run_at", postgresql_where=text("done_seq < asked_seq")),
        Index("thread_to_send", "send_at", postgresql_where=text("send_at is not null")),
        Index("thread_root", "root", postgresql_where=text("root is not null")),
        Index("thread_host_contact", "host_contact_id", postgresql_where=text("host_contact_id is not null")),
    )
    key: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    line_id: str = Field(foreign_key="line.id")
    contact_id: str = Field(foreign_key="contact.id", index=True)
    host_contact_id: str | None = Field(None, foreign_key="contact.id")
    root: str | None = Field(None, foreign_key="thread.key")
    guests: list[str] = Field(sa_column=Column(ARRAY(String), nullable=False, server_default=text("'{}'")))
    last_seq: int = _big()
    asked_seq: int = _big()
    done_seq: int = _big()
    failing_seq: int = _big()
    failures: int = _counted()
    hits: list[datetime] = _times()
    wrong_codes: list[datetime] = _times()
    noticed: dict[str, str] = _json()
    opted_out_at: datetime | None = _time()
    last_inbound_at: datetime | None = _time()
    last_provider_sid: str | None = None
    run_at: datetime | None = _time()
    burst_at: datetime | None = _time()
    owner: int | None = Field(None, sa_type=BigInteger)
    fence: int = _big()
    lease_until: datetime | None = _time()
    send_at: datetime | None = _time()
    parked_at: datetime | None = _time()
    texts_from: int = _big()
    out_owner: int | None = Field(None, sa_type=BigInteger)
    out_fence: int = _big()
    out_until: datetime | None = _time()
    created_at: datetime = _now()


class Conversation(SQLModel, table=True):
    """
    The exchange with one contact on one channel; at most one is open. Written by the router, and by the agent: `sealed_summary`
    of what was said up to `summary_seq`, and `silent_until`, while another automatic service seems to write.

    `handed_off_at`: since when a person has it and the agent is silent; written by the agent, and by the console, which gives it
    back.
    """

    __table_args__ = (
        Index("conversation_active", "contact_id", "channel", unique=True, postgresql_where=text("closed_at is null")),
        Index("conversation_newest", "tenant_id", "opened_at", "id"),
        Index("conversation_contact", "contact_id", "id"),
    )
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    contact_id: str = Field(foreign_key="contact.id")
    user_id: str | None = Field(None, foreign_key="app_user.id")
    agent_id: str = Field(foreign_key="agent.id")
    line_id: str = Field(foreign_key="line.id")
    channel: str
    sealed_summary: bytes | None = _sealed(nullable=True)
    summary_seq: int = _big()
    silent_until: datetime | None = _time()
    opened_at: datetime = _now()
    closed_at: datetime | None = _time()
    handed_off_at: datetime | None = _time()


class Message(SQLModel, table=True):
    """
    An inbound message and what became of it (`outcome`). Written by the router; `sealed_contents`, what was read in the media
    that `sealed_media` tells where to fetch, by the agent. Without a thread it is nobody's any more: its
    provider's id is kept, so that it is known if it comes again.
    """

    __table_args__ = (
        UniqueConstraint("account_sid", "provider_sid", name="message_account_provider_key"),
        Index("message_thread_seq", "thread", "seq"),
        Index("message_conversation_seq", "conversation_id", "seq"),
        Index("message_newest", "tenant_id", "received_at", "id"),
        Index("message_nobodys", "routed_at", postgresql_where=text("thread is null")),
    )
    id: str = Field(primary_key=True)
    tenant_id: str
    line_id: str
    thread: str | None = Field(None, foreign_key="thread.key")
    conversation_id: str | None = Field(None, foreign_key="conversation.id")
    account_sid: str
    provider_sid: str
    seq: int = Field(sa_type=BigInteger)
    outcome: str
    sealed_text: bytes | None = _sealed(nullable=True)
    sealed_media: bytes | None = _sealed(nullable=True)
    sealed_contents: bytes | None = _sealed(nullable=True)
    trace: dict[str, str] = _json()
    received_at: datetime = Field(sa_type=DateTime(timezone=True))
    routed_at: datetime = Field(
        sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("clock_timestamp()")}
    )


class Turn(SQLModel, table=True):
    """
    One run of an agent over the messages `from_seq` to `upto_seq`. Written by the agent.

    `pipeline`, `pipeline_version`: what it runs, from its beginning to its end, whoever goes on with it. `trail`: the steps that
    it took. `cost`: in the currency of the platform's prices; none where one of its models has no price.
    """

    __table_args__ = (
        UniqueConstraint("thread", "from_seq", name="turn_thread_from_key"),
        Index("turn_conversation", "conversation_id"),
        Index("turn_newest", "tenant_id", "started_at", "id"),
    )
    id: str = Field(primary_key=True)
    tenant_id: str
    thread: str = Field(foreign_key="thread.key")
    conversation_id: str = Field(foreign_key="conversation.id")
    from_seq: int = Field(sa_type=BigInteger)
    upto_seq: int = Field(sa_type=BigInteger)
    attempts: int = _counted(1)
    failure: str | None = None
    model: str | None = None
    steps: int = _counted()
    input_tokens: int = _counted()
    output_tokens: int = _counted()
    pipeline: str | None = None
    pipeline_version: int | None = None
    trail: list[Any] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'[]'::jsonb")))
    cost: Decimal | None = Field(None, sa_type=Numeric)
    started_at: datetime = _now()
    finished_at: datetime | None = _time()


class ToolCall(SQLModel, table=True):
    """
    A tool call and its result, kept so that a restarted turn does not repeat it. Written by the agent.

    `call`: what was asked, as a digest; a turn that starts over with more messages may ask something else at the same step.
    `sealed_sources`: the documents that the result came from, where it came from any.
    """

    __tablename__ = "tool_call"
    turn_id: str = Field(primary_key=True, foreign_key="turn.id")
    call: str = Field(primary_key=True)
    tenant_id: str
    step: int
    name: str
    sealed_result: bytes | None = _sealed(nullable=True)
    sealed_sources: bytes | None = _sealed(nullable=True)
    created_at: datetime = _now()


class ToolAttempt(SQLModel, table=True):
    """
    A tool call with a side effect, written before it is made. Without a result nobody knows how it ended. Written by the agent.
    """

    __tablename__ = "tool_attempt"
    turn_id: str = Field(primary_key=True, foreign_key="turn.id")
    call: str = Field(primary_key=True)
    tenant_id: str
    name: str
    sealed_result: bytes | None = _sealed(nullable=True)
    begun_at: datetime = _now()
    ended_at: datetime | None = _time()


class TokenAccount(SQLModel, table=True):
    """
    Tokens that were spent of a budget, and those that running calls may yet spend (ADR 20). Written by the agent.

    `account`: `message/` and a turn, `conversation/` and its id, or `day/` and a day by UTC. `allowed`: the limit when it was last
    asked. Where there is no limit there is no account.
    """

    __tablename__ = "token_account"
    __table_args__ = (Index("token_account_changed", "changed_at"),)
    tenant_id: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
    used: int = _big()
    held: int = _big()
    allowed: int = Field(sa_type=BigInteger)
    changed_at: datetime = _now()


class TokenHold(SQLModel, table=True):
    """What a turn holds for the call of a model that it makes now, on which accounts. Written by the agent: by process `owner`."""

    __tablename__ = "token_hold"
    __table_args__ = (Index("token_hold_tenant", "tenant_id"),)
    turn_id: str = Field(primary_key=True)
    tenant_id: str
    accounts: list[str] = _list()
    tokens: int = Field(sa_type=BigInteger)
    owner: int = Field(sa_type=BigInteger)
    created_at: datetime = _now()


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
    media_type: str = _told("")
    language: str
    digest: str
    size: int
    sealed_content: bytes = _sealed()
    state: str = _told("queued")
    failure: str | None = None
    generation: int = _counted()
    building: int = _counted()
    attempts: int = _counted()
    owner: int | None = Field(None, sa_type=BigInteger)
    passages: int = _counted()
    embedded_with: str | None = None
    queued_at: datetime = _now()
    indexed_at: datetime | None = _time()
    version: int = _version()
    created_at: datetime = _now()


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
    id: int | None = _identity()
    tenant_id: str
    agent_id: str
    document_id: str = Field(foreign_key="knowledge_document.id", ondelete="CASCADE")
    generation: int
    ordinal: int
    heading: str = _told("")
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


class DataSource(SQLModel, table=True):
    """
    Where a tenant's products, listings or orders come from, one for each kind (ADR 18). Written by the console.

    `origin`: upload, feed, woocommerce or endpoint. `currency`, `country`: of prices and numbers that name none. `items`: how
    many the last import had, at `imported_at`. `tried_at`, `failure`, `faults`: the last attempt, where it failed why, and
    what was wrong by line and field. `next_at`: when it is to be fetched. `results`: paths in an endpoint's answer.
    """

    __tablename__ = "data_source"
    __table_args__ = (
        UniqueConstraint("tenant_id", "kind", name="data_source_tenant_kind_key"),
        Index("data_source_due", "next_at", postgresql_where=text("next_at is not null")),
    )
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    kind: str
    origin: str
    url: str | None = None
    currency: str | None = None
    country: str | None = None
    language: str = _told("simple")
    results: list[str] = _list()
    every_minutes: int | None = None
    secret_names: list[str] = _list()
    sealed_secrets: bytes | None = _sealed(nullable=True)
    items: int = _counted()
    attribute_names: list[str] = _list()
    imported_at: datetime | None = _time()
    tried_at: datetime | None = _time()
    failure: str | None = None
    faults: list[Any] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'[]'::jsonb")))
    next_at: datetime | None = _time()
    version: int = _version()
    created_at: datetime = _now()


class CatalogueItem(SQLModel, table=True):
    """
    A product or listing, with the words that it is found by. Written by the console, an import at a time.

    `facets`, `numbers`: the attributes as they are compared. Read through `catalogue_shelf`.
    """

    __tablename__ = "catalogue_item"
    __table_args__ = (
        UniqueConstraint("source_id", "ref", name="catalogue_item_source_ref_key"),
        Index("catalogue_item_search", "search", postgresql_using="gin"),
    )
    id: int | None = _identity()
    tenant_id: str
    source_id: str = Field(foreign_key="data_source.id", ondelete="CASCADE")
    ref: str
    name: str
    description: str = _told("")
    price: Decimal | None = Field(None, sa_type=Numeric)
    currency: str | None = None
    available: bool = _flag(default=True)
    url: str | None = None
    attributes: dict[str, Any] = _json()
    facets: dict[str, Any] = _json()
    numbers: dict[str, Any] = _json()
    search: str = Field(sa_column=Column(TSVECTOR, nullable=False))


class CatalogueWord(SQLModel, table=True):
    """A word of a source's items: what misspelt ones are compared with. Written by the console."""

    __tablename__ = "catalogue_word"
    __table_args__ = (
        Index(
            "catalogue_word_alike", "source_id", "word", postgresql_using="gin", postgresql_ops={"word": "gin_trgm_ops"}
        ),
    )
    source_id: str = Field(primary_key=True, foreign_key="data_source.id", ondelete="CASCADE")
    word: str = Field(primary_key=True)
    tenant_id: str


class CustomerOrder(SQLModel, table=True):
    """
    An order, sealed. Written by the console, an import at a time.

    `number`: as it is compared. `customer_keys`: keyed hashes of the customer's number and e-mail address.
    """

    __tablename__ = "customer_order"
    __table_args__ = (
        UniqueConstraint("source_id", "number", name="customer_order_source_number_key"),
        Index("customer_order_tenant", "tenant_id", "created_at"),
    )
    id: str = Field(primary_key=True)
    tenant_id: str
    source_id: str = Field(foreign_key="data_source.id", ondelete="CASCADE")
    number: str
    customer_keys: list[str] = _list()
    pepper_version: int
    placed_at: datetime | None = _time()
    sealed_body: bytes = _sealed()
    created_at: datetime = _now()


class McpServer(SQLModel, table=True):
    """
    A server of a tenant's whose tools its agents may use (ADR 18). Written by the console.

    `tools`: the only ones. `secret_names`: the headers whose values are in `sealed_headers`.
    """

    __tablename__ = "mcp_server"
    __table_args__ = (UniqueConstraint("tenant_id", "name", name="mcp_server_tenant_name_key"),)
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    name: str
    url: str
    tools: list[str] = _list()
    secret_names: list[str] = _list()
    sealed_headers: bytes | None = _sealed(nullable=True)
    enabled: bool = _flag(default=True)
    version: int = _version()
    created_at: datetime = _now()


class FormSubmission(SQLModel, table=True):
    """
    A message that a visitor left through the contact form, once per call of a turn. Written by the agent.

    States: kept (nobody wants it sent), waiting, sending, sent, failed. `next_at`: when it is to be tried, or looked at.
    """

    __tablename__ = "form_submission"
    __table_args__ = (
        UniqueConstraint("turn_id", "call", name="form_submission_turn_call_key"),
        Index("form_submission_conversation", "conversation_id"),
        Index("form_submission_due", "next_at", postgresql_where=text("next_at is not null")),
        Index("form_submission_newest", "tenant_id", "created_at", "id"),
    )
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    conversation_id: str = Field(foreign_key="conversation.id")
    turn_id: str = Field(foreign_key="turn.id")
    call: str
    sealed_body: bytes = _sealed()
    state: str = _told("kept")
    tries: int = _counted()
    next_at: datetime | None = _time()
    failure: str | None = None
    sent_at: datetime | None = _time()
    created_at: datetime = _now()


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
    id: int | None = _identity()
    public_id: str
    tenant_id: str
    thread: str = Field(foreign_key="thread.key")
    conversation_id: str | None = Field(None, foreign_key="conversation.id")
    turn_id: str | None = Field(None, foreign_key="turn.id")
    after_seq: int = Field(sa_type=BigInteger)
    kind: str
    state: str = Field(sa_column_kwargs={"server_default": text("'open'")})
    sealed_body: bytes | None = _sealed(nullable=True)
    trace: dict[str, str] = _json()
    received_at: datetime = Field(sa_type=DateTime(timezone=True))
    created_at: datetime = _now()


class Part(SQLModel, table=True):
    """A piece of a reply as it is sent. Written by egress."""

    __table_args__ = (
        UniqueConstraint("reply_id", "ordinal", name="part_reply_ordinal_key"),
        Index("part_thread", "thread", "reply_id", "ordinal"),
        Index("part_open", "thread", postgresql_where=text("state in ('parked', 'queued', 'sending', 'unknown')")),
        Index("part_provider", "provider_sid", unique=True, postgresql_where=text("provider_sid is not null")),
        Index("part_newest", "tenant_id", "created_at", "id"),
    )
    id: int | None = _identity()
    tenant_id: str
    thread: str = Field(foreign_key="thread.key")
    reply_id: int = Field(foreign_key="reply.id", sa_type=BigInteger)
    ordinal: int
    sealed_body: bytes | None = _sealed(nullable=True)
    state: str = Field(sa_column_kwargs={"server_default": text("'queued'")})
    provider_sid: str | None = None
    failure: str | None = None
    error_code: int | None = None
    tries: int = _counted()
    checks: int = _counted()
    resent: bool = Field(sa_column_kwargs={"server_default": text("false")})
    next_at: datetime | None = _time()
    accepted_at: datetime | None = _time()
    created_at: datetime = _now()


class Attempt(SQLModel, table=True):
    """One call to the provider, written before it is made. Written by egress."""

    id: str = Field(primary_key=True)
    tenant_id: str
    part_id: int = Field(foreign_key="part.id", sa_type=BigInteger, index=True)
    outcome: str = Field(sa_column_kwargs={"server_default": text("'sending'")})
    http_status: int | None = None
    error_code: int | None = None
    provider_sid: str | None = None
    started_at: datetime = _now()
    ended_at: datetime | None = _time()


class StatusEvent(SQLModel, table=True):
    """What the provider reported of a part, append-only. Written by egress."""

    __tablename__ = "status_event"
    __table_args__ = (
        UniqueConstraint("provider_sid", "status", name="status_event_sid_status_key"),
        Index("status_event_part", "part_id"),
    )
    id: int | None = _identity()
    tenant_id: str
    part_id: int = Field(foreign_key="part.id", sa_type=BigInteger)
    provider_sid: str
    status: str
    error_code: int | None = None
    reported_at: datetime = Field(sa_type=DateTime(timezone=True))
    stored_at: datetime = _now()


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
    messages: int = _counted(1)
    first_seen: datetime = _now()
    last_seen: datetime = _now()


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
    created_at: datetime = _now()
    settled_at: datetime | None = _time()
    settled_note: str | None = None
    """Why it was discarded."""


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
    created_by: str = _told("")
    expires_at: datetime | None = _time()
    last_used_at: datetime | None = _time()
    revoked_at: datetime | None = _time()
    created_at: datetime = _now()


class Audit(SQLModel, table=True):
    """Who did what to what, append-only: nobody may change or delete a row but the retention job. Written by the console."""

    __table_args__ = (Index("audit_newest", "tenant_id", "id"),)
    id: str = Field(primary_key=True)
    tenant_id: str | None = None
    actor: str
    action: str
    object: str
    before: dict[str, Any] | None = Field(None, sa_column=Column(JSONB))
    after: dict[str, Any] | None = Field(None, sa_column=Column(JSONB))
    at: datetime = _now()


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
    sealed_answer: bytes | None = _sealed(nullable=True)
    created_at: datetime = _now()


class DailyMessages(SQLModel, table=True):
    """
    How many messages a tenant with a quota gave to its agents on a day, by UTC. Written by the router.

    In `slot`s, each for a share of its threads, so that they do not wait for one another.
    """

    __tablename__ = "daily_messages"
    tenant_id: str = Field(primary_key=True, foreign_key="tenant.id")
    day: date = Field(primary_key=True)
    slot: int = Field(primary_key=True)
    messages: int = _counted()


class WrongCode(SQLModel, table=True):
    """A pairing code that was wrong, for the limit of all that a tenant's lines take. Written by the router."""

    __tablename__ = "wrong_code"
    __table_args__ = (Index("wrong_code_newest", "tenant_id", "at"),)
    id: int | None = _identity()
    tenant_id: str = Field(foreign_key="tenant.id")
    at: datetime = _now()


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
    erased: dict[str, Any] = _json()
    """How many rows, stream messages and copies went."""
    created_at: datetime = _now()
    finished_at: datetime | None = _time()


class JobRun(SQLModel, table=True):
    """The last complete run of a periodic job. Written by the job."""

    __tablename__ = "job_run"
    name: str = Field(primary_key=True)
    started_at: datetime = Field(sa_type=DateTime(timezone=True))
    finished_at: datetime = _now()


class Traffic(SQLModel, table=True):
    """
    What a company's lines did in a minute or an hour (`grain`), counted by the console's roll-up (ADR 22). Written by the console.

    `what`: in, limited, out, failed, undelivered, unsettled, given_up/agent, given_up/other, or latency/N, a bucket of reply times.
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
