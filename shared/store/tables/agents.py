"""Agents: what they are told, run, call and spend."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Column, ForeignKeyConstraint, Index, Integer, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from shared.store.tables.columns import big, counted, document, flag, now, sealed, texts, told, version


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
    version: int = version()
    created_at: datetime = now()


class PipelineVersion(SQLModel, table=True):
    """A version of a pipeline: turns refer to it, so nobody may change it. `author`: as in the audit log. Written by the console."""

    __tablename__ = "pipeline_version"
    pipeline_id: str = Field(primary_key=True, foreign_key="pipeline.id")
    number: int = Field(primary_key=True)
    tenant_id: str
    document: str
    author: str
    created_at: datetime = now()


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
    memory: int = counted(5)
    remembers: str = told("last")
    memory_tokens: int = counted(8000)
    message_tokens: int | None = None
    conversation_tokens: int | None = Field(None, sa_type=BigInteger)
    pipeline_id: str | None = None
    version: int = version()
    created_at: datetime = now()


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
    parameters: dict[str, Any] = document()
    method: str
    url: str
    headers: dict[str, str] = document()
    secret_names: list[str] = texts()
    sealed_headers: bytes | None = sealed(nullable=True)
    results: list[str] = texts()
    side_effect: bool = flag()
    idempotent: bool = flag()
    enabled: bool = flag(default=True)
    version: int = version()
    created_at: datetime = now()


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
    options: dict[str, Any] = document()
    secret_names: list[str] = texts()
    sealed_secrets: bytes | None = sealed(nullable=True)
    enabled: bool = flag(default=True)
    version: int = version()
    created_at: datetime = now()


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
    used: int = big()
    held: int = big()
    allowed: int = Field(sa_type=BigInteger)
    changed_at: datetime = now()


class TokenHold(SQLModel, table=True):
    """What a turn holds for the call of a model that it makes now, on which accounts. Written by the agent: by process `owner`."""

    __tablename__ = "token_hold"
    __table_args__ = (Index("token_hold_tenant", "tenant_id"),)
    turn_id: str = Field(primary_key=True)
    tenant_id: str
    accounts: list[str] = texts()
    tokens: int = Field(sa_type=BigInteger)
    owner: int = Field(sa_type=BigInteger)
    created_at: datetime = now()


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
    tools: list[str] = texts()
    secret_names: list[str] = texts()
    sealed_headers: bytes | None = sealed(nullable=True)
    enabled: bool = flag(default=True)
    version: int = version()
    created_at: datetime = now()
