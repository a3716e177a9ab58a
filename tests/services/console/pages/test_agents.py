"""Agents in the console: made, changed by two, and tried out in a chat of their own."""

import asyncio
import re

import orjson
import pytest

from shared.addresses import Pepper
from shared.bus import Bus
from shared.channels.web.addresses import CHANNEL, agent_address, chat_address
from shared.ids import AgentId, ThreadKey
from shared.store.sealed import REPLY_BODY
from shared.store.session import Store
from shared.topology import inbound_subject
from tests.eventually import DEADLINE
from tests.services.console.api.past import NOON, Past
from tests.services.console.pages.conftest import ONE, OTHER, SignedIn

FIELDS = {"name": "Desk", "instructions": "Help.\r\nBriefly.", "remembers": "last", "memory": "7", "memory_tokens": "8000"}  # fmt: skip


def thread_of(past: Past, chat: str) -> ThreadKey:
    """Return the thread of a chat with the first company's agent, by the chat's address."""
    addresses = agent_address(AgentId(f"ag_{past.x}")), chat_address(chat.rpartition("/")[2])
    return Pepper(b"t" * 32).thread_key(CHANNEL, *addresses)


async def agent_of(store: Store, name: str) -> dict[str, object]:
    async with store.connection() as connection:
        row = await (await connection.execute("select * from agent where name = %s", (name,))).fetchone()
    assert row is not None
    return dict(row)


async def test_an_agent_is_made(signed_in: SignedIn, store: Store) -> None:
    """
    What is left empty is the platform's, or no limit.
    """
    visitor = await signed_in()
    await visitor.get("/agents/new")
    answer = await visitor.post("/agents", **FIELDS, model="", message_tokens="", conversation_tokens="90000")
    row = await agent_of(store, "Desk")
    assert answer.headers["location"] == f"/agents/{row['id']}?done=made"
    assert (row["tenant_id"], row["instructions"], row["memory"]) == (ONE, "Help.\nBriefly.", 7)
    assert (row["model"], row["message_tokens"], row["conversation_tokens"]) == (None, None, 90000)
    assert "last 7 messages" in (await visitor.get("/agents")).text


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("name", "", "Fill this in."), ("memory", "101", "At most 100."), ("memory_tokens", "many", "This is no number.")],
)
async def test_what_is_wrong_with_an_agent_is_said(
    signed_in: SignedIn, past: Past, field: str, value: str, said: str
) -> None:
    """
    Beside the field; what was typed elsewhere is still there.
    """
    visitor = await signed_in()
    await visitor.get("/agents/new")
    for path in ("/agents", f"/agents/ag_{past.x}"):
        answer = await visitor.post(path, **FIELDS | {field: value, "instructions": "Typed before."})
        assert answer.status_code == 422
        assert said in answer.text
        assert "Typed before." in answer.text


async def test_two_who_change_an_agent_lose_nothing(signed_in: SignedIn, past: Past) -> None:
    """
    The second sees both versions, and that the first was themselves.
    """
    visitor = await signed_in()
    await visitor.get(f"/agents/ag_{past.x}")
    await visitor.post(f"/agents/ag_{past.x}", **FIELDS, version="1")
    answer = await visitor.post(f"/agents/ag_{past.x}", **FIELDS | {"name": "Other"}, version="1")
    assert answer.status_code == 409
    assert "Changed by Ada" in answer.text
    assert re.search(r"<td[^>]*>Desk</td><td[^>]*>Other</td>", answer.text)


async def test_what_is_written_goes_the_way_of_every_message(signed_in: SignedIn, past: Past, bus: Bus) -> None:
    """
    To the router, in a thread of the chat's own.
    """
    visitor = await signed_in()
    begun = (await visitor.get(f"/agents/ag_{past.x}/chats")).headers["location"]
    assert re.fullmatch(rf"/agents/ag_{past.x}/chats/ch_[0-9a-f]{{32}}", begun)
    assert "Say hi" in (await visitor.get(begun)).text
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def hear(subject: str) -> None:
        heard.put_nowait(subject)

    subject = inbound_subject(past.tenant, thread_of(past, begun))
    await bus.overhear(subject, hear)
    assert (await visitor.post(begun, text="hello")).headers["location"] == begun
    assert await asyncio.wait_for(heard.get(), DEADLINE) == subject


async def test_a_chat_shows_what_was_said(signed_in: SignedIn, past: Past) -> None:
    """
    Both sides, the answer with its sources, and that the agent is at another.
    """
    visitor = await signed_in()
    chat = f"/agents/ag_{past.x}/chats/ch_{'0' * 32}"
    key = thread_of(past, chat)
    await past.thread(key, f"ct_{past.x}", asked_seq=3, done_seq=2)
    await past.message("msg_chat", "What is it?", 2, thread=key)
    body = past.vault.seal(orjson.dumps({"markdown": "A line.", "sources": ["Manual"]}), REPLY_BODY.at(ONE, "rp_chat"))
    facts = {"kind": "agent", "state": "cut", "sealed_body": body, "received_at": NOON, "after_seq": 2}
    await past.insert("reply", public_id="rp_chat", thread=key, **facts)
    page = (await visitor.get(chat)).text
    assert page.index("What is it?") < page.index("A line.") < page.index("Sources: Manual")
    assert "The agent is at an answer…" in page


async def test_another_companys_agent_is_not_there(signed_in: SignedIn, past: Past) -> None:
    """
    Neither to look at, nor to change, nor to talk with.
    """
    visitor = await signed_in(tenant=OTHER)
    assert "No agent yet" in (await visitor.get("/agents")).text
    chat = f"/agents/ag_{past.x}/chats"
    for path in (f"/agents/ag_{past.x}", chat, f"{chat}/ch_{'0' * 32}"):
        assert (await visitor.get(path)).status_code == 404
    await visitor.get("/agents")
    assert (await visitor.post(f"/agents/ag_{past.x}", **FIELDS, version="1")).status_code == 404
    assert (await visitor.post(f"{chat}/ch_{'0' * 32}", text="hi")).status_code == 404
