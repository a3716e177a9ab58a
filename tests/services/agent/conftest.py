"""An agent whose tenants have actions of their own, and a web server that plays their services."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import orjson
import pytest

from services.agent.actions import Actions
from services.agent.handlers import Agent
from services.agent.store import Turns
from services.router.handlers import Router
from services.router.intake import Intake
from services.router.ratelimit import RateLimit
from services.router.store import Desk
from shared.actions.definition import seal_secrets
from shared.bus import Bus
from shared.events import TurnInterrupted
from shared.ids import TenantId
from shared.knowledge import Knowledge
from shared.outbound import Allowed, Guard, open_guard
from shared.process import background
from shared.store.presence import presence
from shared.store.session import Store
from shared.topology import AGENT, ROUTER, TURN_INTERRUPTED_ANY
from tests.fakes.model import FakeModel, Script, echo
from tests.fakes.web import FakeWeb, reply, web_server
from tests.services.agent.test_agent import Desks
from tests.services.desk import TENANT, Platform

Plant = Callable[..., Awaitable[None]]
Act = Callable[..., Awaitable[Desks]]

SECRET = "Bearer a-secret-of-the-tenant"


@pytest.fixture
async def services() -> AsyncIterator[FakeWeb]:
    """The tenants' services. What they answer may be changed on the way."""
    async with web_server(lambda _asked: reply('{"done": true}')) as web:
        yield web


@pytest.fixture
async def guard() -> AsyncIterator[Guard]:
    async with open_guard(Allowed.of("127.0.0.1", loopback=True), limit=5.0) as opened:
        yield opened


@pytest.fixture
def plant_action(platform: Platform, services: FakeWeb) -> Plant:
    """Give a tenant an action that its service, on loopback, performs."""

    async def plant(name: str, tenant: TenantId = TENANT, **more: Any) -> None:
        action = f"ac_{name}_{tenant}"
        async with platform.store.transaction(tenant):
            pass  # its data key is there from now on
        row = {
            "id": action,
            "tenant_id": tenant,
            "name": name,
            "description": "Books a table.",
            "parameters": {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]},
            "method": "POST",
            "url": f"{services.url}/{name}",
            "headers": {},
            "sealed_headers": seal_secrets(platform.vault, tenant, action, {"Authorization": SECRET}),
            **more,
        }
        values = [orjson.dumps(value).decode() if isinstance(value, dict) else value for value in row.values()]
        places = ", ".join(["%s"] * len(row))
        await platform.rows(f"insert into action ({', '.join(row)}) values ({places}) returning 1", *values)

    return plant


@pytest.fixture
async def acting(  # noqa: PLR0917 - all that a router and an agent are made of
    bus: Bus, platform: Platform, agent_store: Store, router_store: Store, guard: Guard, database_url: str
) -> AsyncIterator[Act]:
    """Start a router and an agent with this script of a model."""
    async with presence(database_url) as owner, AsyncExitStack() as sweeps:
        started: list[tuple[Agent, Actions]] = []

        async def build(script: Script = echo) -> Desks:
            model = FakeModel(script)
            actions = Actions(agent_store, platform.vault, guard)
            turns = Turns(agent_store, platform.vault, owner, 20.0)
            agent = Agent(bus, turns, model, Knowledge(agent_store), 5, 60.0, 32, actions=actions)
            intake = Intake(RateLimit(100, 60.0), timedelta(seconds=20))
            router = Router(bus, Desk(router_store, platform.vault, platform.pepper), intake, platform.vault)
            bus.on(ROUTER, router.on_inbound, workers=4)
            bus.on(AGENT, agent.on_turn_requested, workers=4)
            await bus.consume()
            await bus.listen(TURN_INTERRUPTED_ANY, TurnInterrupted, agent.on_turn_interrupted)
            await sweeps.enter_async_context(background(agent.threads.sweep()))
            started.append((agent, actions))
            return Desks(bus, platform, agent, model)

        yield build
        await sweeps.aclose()
        await bus.stop_consuming()
        for agent, actions in started:
            await agent.threads.end(0)
            await actions.end()
