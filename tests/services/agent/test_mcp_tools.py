"""A tenant's MCP servers: their tools are offered within bounds and called as actions are; a server of the real library."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from services.agent.attempts import UNKNOWN
from services.agent.llm import Completion, Said
from services.agent.mcp_tools import McpTools
from services.console.access import SCOPES, Principal
from services.console.mcp import McpServers
from shared.ids import TenantId
from shared.mcp_servers import client
from shared.outbound import Guard
from shared.store.session import Store
from tests.eventually import eventually
from tests.fakes.mcp_server import FakeTools, mcp_server
from tests.fakes.model import Script
from tests.fakes.web import FakeWeb, reply
from tests.services.agent.conftest import Act
from tests.services.agent.test_actions import books, forgets, said_to
from tests.services.agent.test_agent import Desks
from tests.services.desk import SECOND, TENANT, Platform

WHO = Principal("key/test", None, SCOPES)
SECRET = "Bearer a-secret-of-the-tenant"
ALL = ["weather", "book", "anything"]
BOOK, WEATHER = ("t_book", '{"day": "Friday"}'), ("t_weather", '{"city": "Rome"}')

Add = Callable[..., Awaitable[None]]
Start = Callable[[Script], Awaitable[Desks]]


@pytest.fixture
async def tools() -> AsyncIterator[FakeTools]:
    async with mcp_server() as served:
        yield served


@pytest.fixture
async def add(platform: Platform, console_store: Store, guard: Guard, tools: FakeTools) -> Add:
    """Make the server known to a tenant, as the console does."""
    await platform.plant()
    await platform.plant_second()

    async def added(tenant: TenantId = TENANT, **more: Any) -> None:
        values = {"name": "t", "url": tools.url, "tools": ALL, "enabled": True, **more}
        await McpServers(console_store, platform.vault, guard).make(WHO, tenant, values, {"Authorization": SECRET})

    return added


@pytest.fixture
async def start(acting: Act, agent_store: Store, platform: Platform, guard: Guard) -> AsyncIterator[Start]:
    """Start a router and an agent that knows of servers."""
    servers = McpTools(agent_store, platform.vault, guard)

    async def started(script: Script) -> Desks:
        here = await acting(script)
        here.agent.servers = servers
        return here

    yield started
    await servers.end()


async def offered(start: Start) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []

    def script(_messages: list[Said], offers: list[Said]) -> Completion:
        told.extend(offer["function"] for offer in offers)
        return Completion("Hm.")

    here = await start(script)
    await said_to(here, here.person())
    return told


async def test_the_tools_that_may_be_used_are_offered(add: Add, start: Start) -> None:
    """
    Under the server's name, with closed schemas and clean words; what says too much is left out, so is what nobody allowed.
    """
    await add()
    found = {tool["name"]: tool for tool in await offered(start)}
    assert list(found) == ["contact_form", "t_weather", "t_book"]
    assert found["t_weather"]["description"] == "Tells the weather."
    assert found["t_weather"]["parameters"] == {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "Where."}, "day": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    }


async def test_another_tenants_server_is_not_asked(add: Add, start: Start, tools: FakeTools) -> None:
    """
    Nor one that is disabled.
    """
    await add(tenant=SECOND)
    await add(enabled=False)
    assert [tool["name"] for tool in await offered(start)] == ["contact_form"]
    assert tools.headers == []


async def test_a_tool_is_called_with_the_tenants_secret(add: Add, start: Start, tools: FakeTools) -> None:
    """
    What it says is told without the secret, and without signs that nobody sees.
    """
    tools.says = f"It is sunny\u200b. You sent {SECRET}."
    await add()
    here = await start(books(WEATHER))
    assert await said_to(here, here.person()) == "I heard: It is sunny. You sent [secret]."
    assert tools.called == [("weather", "Rome")]
    assert {headers["authorization"] for headers in tools.headers} == {SECRET}


async def test_a_result_is_cut_to_8_kib(add: Add, start: Start, tools: FakeTools) -> None:
    """
    Whatever the server says.
    """
    tools.says = "x" * 100_000
    await add()
    here = await start(books(WEATHER))
    assert len((await said_to(here, here.person())).encode()) <= 8192 + len("I heard: ")


async def test_what_does_not_only_read_happens_once(add: Add, start: Start, tools: FakeTools) -> None:
    """
    A turn that runs again, because its owner died before it committed, uses what the call came to.
    """
    await add()
    here = await start(books(BOOK))
    ann = here.person()
    first = await said_to(here, ann)
    await forgets(here, ann)
    assert await here.replies(ann, 1) == [first] == ["I heard: Booked Friday."]
    assert tools.called == [("book", "Friday")]


async def test_a_call_that_was_begun_is_not_repeated(add: Add, start: Start, tools: FakeTools) -> None:
    """
    Its owner died during the call: the model hears that nobody knows.
    """
    await add()
    here = await start(books(BOOK))
    ann = here.person()
    await said_to(here, ann)
    await here.rows("update tool_attempt set sealed_result = null, ended_at = null returning 1")
    await forgets(here, ann)
    assert await here.replies(ann, 1) == [f"I heard: {UNKNOWN}"]
    assert tools.called == [("book", "Friday")]


async def test_what_only_reads_leaves_no_attempt(add: Add, start: Start) -> None:
    """
    It may be asked again at any time.
    """
    await add()
    here = await start(books(WEATHER))
    await said_to(here, here.person())
    assert await here.rows("select 1 from tool_attempt") == []


async def test_a_call_outlives_its_turn_that_starts_over(add: Add, start: Start, tools: FakeTools) -> None:
    """
    The person adds something meanwhile: the turn that answers both waits for the same call.
    """
    await add()
    gate = asyncio.Event()
    tools.before = gate.wait
    here = await start(books(BOOK))
    ann = here.person()
    await ann.writes("book")

    async def working() -> bool:
        return bool(tools.called)

    await eventually(working)
    await ann.writes("please")
    await here.told(2)
    gate.set()
    assert await here.replies(ann, 1) == ["I heard: Booked Friday."]
    assert tools.called == [("book", "Friday")]


@pytest.mark.parametrize("answer", [None, reply("<html>", content_type="text/html"), reply(status=307, location="/x")])
async def test_a_server_that_is_away_fails_no_turn(
    add: Add, start: Start, services: FakeWeb, answer: bytes | None
) -> None:
    """
    Its tools are not offered; it is not asked again at once, and never sent elsewhere.
    """
    services.respond = lambda _asked: answer
    await add(url=f"{services.url}/mcp")
    here = await start(books())
    ann = here.person()
    await ann.writes("hello")
    await here.replies(ann, 1)
    asked = len(services.asked)
    assert {it.line for it in services.asked} == {"POST /mcp HTTP/1.1"}
    await ann.writes("hello again")
    await here.replies(ann, 2)
    assert len(services.asked) == asked


async def test_a_server_that_keeps_silent_costs_a_bounded_time(add: Add, start: Start, services: FakeWeb) -> None:
    """
    The turn goes on without its tools.
    """
    never = asyncio.Event()

    async def silent(_asked: object) -> bytes:
        await never.wait()
        return b""

    services.respond = silent
    await add(url=f"{services.url}/mcp")
    began = time.monotonic()
    found = await offered(start)
    never.set()
    assert [tool["name"] for tool in found] == ["contact_form"]
    assert time.monotonic() - began < client.LIST_LIMIT + 10
