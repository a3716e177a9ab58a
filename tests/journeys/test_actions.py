"""A company's own service is called for a person: once, whatever dies meanwhile."""

import asyncio
import json
from pathlib import Path

import httpx2

from services.agent.attempts import UNKNOWN
from tests.eventually import eventually
from tests.fakes.web import Asked, reply, web_server
from tests.journeys.stack import Stack

ANN = "+15550191"
ACTION = {
    "name": "book_table",
    "description": "Books a table.",
    "parameters": {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]},
    "side_effect": True,
}


async def test_an_agent_that_dies_while_it_books_books_once(stack: Stack, tmp_path: Path) -> None:
    """
    The service has the order and the agent is killed before it hears the answer: the person is told that it is not known, and
    the service is not asked again. Where nothing dies the person reads what the service answered.
    """
    begun, dead = asyncio.Event(), asyncio.Event()

    async def respond(_asked: Asked) -> bytes:
        if not begun.is_set():
            begun.set()
            await dead.wait()
        return reply('{"table": 7}')

    async with web_server(respond) as service, stack.simulator() as simulator:
        (tmp_path / "book.json").write_text(json.dumps(ACTION | {"url": service.url}))
        action = await asyncio.to_thread(stack.told, "actions", "add", str(tmp_path / "book.json"))
        try:
            await says(simulator, 'call book_table {"day": "Friday"}')
            await asyncio.wait_for(begun.wait(), 60)
            await asyncio.to_thread(stack.kill, "agent")
            dead.set()
            assert (await hears(simulator, 1))[-1] == f"book_table says: {UNKNOWN}"
            assert len(service.asked) == 1
            await says(simulator, 'call book_table {"day": "Sunday"}')
            assert (await hears(simulator, 2))[-1] == 'book_table says: {"table": 7}'
        finally:
            await asyncio.to_thread(stack.run, "actions", "remove", action["id"], "--yes")
    assert [json.loads(asked.body)["day"] for asked in service.asked] == ["Friday", "Sunday"]


async def says(simulator: httpx2.AsyncClient, text: str) -> None:
    await simulator.post("/sim/messages", json={"from": ANN, "body": text})


async def hears(simulator: httpx2.AsyncClient, count: int) -> list[str]:
    """Return what the phone was answered, once that is so many messages."""

    async def look() -> list[str] | None:
        shown = (await simulator.get(f"/sim/phones/{ANN}/messages")).json()
        got = [message["body"] for message in shown if message["direction"] == "in"]
        return got if len(got) >= count else None

    return await eventually(look, 60)
