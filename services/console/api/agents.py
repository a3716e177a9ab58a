"""`/v1/agents`: instructions, model and memory of the assistants."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from services.console.api.fields import (
    Body,
    Created,
    Name,
    OneTenant,
    TenantOfMade,
    Text,
    Version,
    id_in_path,
    id_pattern,
    omitted,
    shown,
    whose,
)
from services.console.api.paging import Listing, Paged, Resource
from services.console.api.routes import Asking, Route, may
from services.console.records import Records, Table
from shared.store.session import Store

AGENTS = Table(
    "agent",
    "ag",
    {
        "id": "id",
        "tenant": "tenant_id",
        "name": "name",
        "instructions": "instructions",
        "model": "model",
        "fallback_model": "fallback_model",
        "memory": "memory",
        "remembers": "remembers",
        "memory_tokens": "memory_tokens",
        "message_tokens": "message_tokens",
        "conversation_tokens": "conversation_tokens",
        "pipeline": "pipeline_id",
        "version": "version",
        "created_at": "created_at",
    },
)

Id = Annotated[str, id_in_path("ag")]
Memory = Annotated[int, Field(ge=0, le=100, description="How many messages of a conversation it remembers.")]
Remembers = Annotated[
    Literal["last", "whole"],
    Field(
        description="last: as many messages as `memory` says; whole: all, as `memory_tokens` allow, and notes of the rest."
    ),
]
MemoryTokens = Annotated[int, Field(ge=500, le=200_000, description="Tokens that a whole conversation may take.")]
MessageTokens = Annotated[int, Field(ge=0, le=10**9, description="Tokens that the answer to one message may cost.")]
ConversationTokens = Annotated[int, Field(ge=0, le=10**12, description="Tokens that a conversation may cost.")]
PipelineId = Annotated[str, Field(pattern=id_pattern("pl"))]
ModelName = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]


class Agent(Resource):
    """
    An assistant. `model`: null for the platform's default. `fallback_model`: asked where that fails; null for the platform's.

    `message_tokens`, `conversation_tokens`: budgets, of what models are told and say; null: none. `pipeline`: what it runs once
    a version of it is active; null for the shipped `whatsapp-default`.
    """

    tenant: str
    name: str
    instructions: str
    model: str | None
    fallback_model: str | None
    memory: int
    remembers: Literal["last", "whole"]
    memory_tokens: int
    message_tokens: int | None
    conversation_tokens: int | None
    pipeline: str | None
    created_at: datetime


class NewAgent(Body):
    """An assistant to be made."""

    tenant: TenantOfMade = None
    name: Name
    instructions: Text
    model: ModelName | None = None
    fallback_model: ModelName | None = None
    memory: Memory = 5
    remembers: Remembers = "last"
    memory_tokens: MemoryTokens = 8000
    message_tokens: MessageTokens | None = None
    conversation_tokens: ConversationTokens | None = None
    pipeline: PipelineId | None = None


class AgentChange(Body):
    """What shall be different; the rest stays."""

    name: Name = omitted()
    instructions: Text = omitted()
    model: ModelName | None = omitted()
    fallback_model: ModelName | None = omitted()
    memory: Memory = omitted()
    remembers: Remembers = omitted()
    memory_tokens: MemoryTokens = omitted()
    message_tokens: MessageTokens | None = omitted()
    conversation_tokens: ConversationTokens | None = omitted()
    pipeline: PipelineId | None = omitted()


def agents(store: Store) -> APIRouter:
    """Return the routes."""
    records = Records(store, AGENTS)
    router = APIRouter(prefix="/v1/agents", tags=["agents"], route_class=Route)

    @router.get("", **may("agents:read"))
    async def list_agents(who: Asking, page: Paged, created: Created, tenant: OneTenant = None) -> Listing[Agent]:
        found = await records.list(who, page.before, page.limit + 1, tenant=tenant, created_at=created)
        return page.of([Agent(**row) for row in found])

    @router.post("", status_code=201, **may("agents:write"))
    async def create_agent(who: Asking, wanted: NewAgent, response: Response) -> Agent:
        values = wanted.model_dump(exclude={"tenant"})
        return shown(response, Agent, await records.make(who, whose(who, wanted.tenant), values))

    @router.get("/{agent}", **may("agents:read"))
    async def get_agent(who: Asking, agent: Id, response: Response) -> Agent:
        return shown(response, Agent, await records.get(who, agent))

    @router.patch("/{agent}", **may("agents:write"))
    async def change_agent(who: Asking, agent: Id, version: Version, wanted: AgentChange, response: Response) -> Agent:
        values = wanted.model_dump(exclude_unset=True)
        return shown(response, Agent, await records.change(who, agent, version, values))

    @router.delete("/{agent}", status_code=204, **may("agents:write"))
    async def delete_agent(who: Asking, agent: Id, version: Version) -> None:
        await records.remove(who, agent, version)

    return router
