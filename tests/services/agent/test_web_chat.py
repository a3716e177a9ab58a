"""The web chat: the same agent, on the way of every message."""

from collections.abc import AsyncIterator, Callable

import pytest

from services.agent.llm import Completion, Said
from services.console.access import SCOPES, Principal
from services.console.chats import Chat, Chats
from services.console.lines import LINES
from services.console.records import Records, Unknown
from services.egress.handlers import Egress
from services.egress.ordering import Pacing
from services.egress.reports import Reports
from services.egress.store import SendLedger
from shared.addresses import Pepper
from shared.bus import Bus
from shared.channels.web.outbound import WebChat
from shared.ids import AgentId, TenantId
from shared.process import background
from shared.store.presence import presence
from shared.store.session import Store
from shared.topology import EGRESS
from tests.eventually import eventually
from tests.fakes.model import asks_for
from tests.services.agent.test_agent import MakeDesks, desks
from tests.services.desk import TENANT, Platform

__all__ = ["desks"]

WHO = Principal("key/test", TENANT, SCOPES)
AGENT = AgentId("ag_test")
CHAT = "ch_" + "1" * 32


@pytest.fixture
async def egress(bus: Bus, platform: Platform, egress_store: Store, database_url: str) -> AsyncIterator[Egress]:
    """Egress at work on chats alone; it sends to nobody else."""
    async with presence(database_url) as owner:
        sender = Egress(
            bus=bus,
            ledger=SendLedger(egress_store, platform.vault, owner),
            reports=Reports(egress_store),
            channels={"trunkline/web": WebChat()},
            pacing=Pacing(60.0),
            reconcile_after=(5.0,),
        )
        bus.on(EGRESS, sender.on_reply_ready, workers=4)
        async with background(sender.threads.sweep()):
            yield sender
        await sender.threads.end(0)


@pytest.fixture
def chats(bus: Bus, platform: Platform, console_store: Store) -> Chats:
    return Chats(console_store, platform.vault, bus, Pepper(b"t" * 32))


async def settled(chats: Chats, answers: int, is_so: Callable[[Chat], bool] = lambda _: True) -> Chat:
    """Wait until so many answers were delivered."""

    async def look() -> Chat | None:
        chat = await chats.read(WHO, AGENT, CHAT)
        done = [said for said in chat.said if said["side"] and said["status"] == "done"]
        return chat if len(done) >= answers and not chat.answering and is_so(chat) else None

    return await eventually(look)


async def test_a_chat_is_answered_by_the_same_agent_as_channel_web(
    desks: MakeDesks, egress: Egress, chats: Chats
) -> None:
    """
    Its instructions name the channel; nobody becomes a lead, and the conversation has the channel's badge.
    """
    here = await desks()
    await chats.write(WHO, AGENT, CHAT, "hello")
    chat = await settled(chats, 1)
    assert [(said["side"], said["text"]) for said in chat.said] == [(0, "hello"), (1, "You said: hello")]
    [told] = here.model.told
    assert told[0]["content"].startswith("Help Test on web.\n\nChannel: web.\n")
    assert await here.rows("select 1 from lead") == []
    [conversation] = await here.rows("select channel, agent_id from conversation")
    assert conversation == {"channel": "web", "agent_id": AGENT}


async def test_answers_of_a_chat_do_not_wait_for_one_another(desks: MakeDesks, egress: Egress, chats: Chats) -> None:
    """
    A part is delivered once it is on record: no report of a provider is waited for.
    """
    here = await desks(burst=0)
    for count in range(1, 4):
        await chats.write(WHO, AGENT, CHAT, f"message {count}")
        await settled(chats, count)
    parts = await here.rows("select state, provider_sid from part order by id")
    assert [part["state"] for part in parts] == ["delivered"] * 3
    assert len({part["provider_sid"] for part in parts}) == 3


async def test_commands_and_tools_are_those_of_every_channel(desks: MakeDesks, egress: Egress, chats: Chats) -> None:
    """
    `/help` is answered without the model, and a tool has its effect.
    """

    def script(messages: list[Said], _tools: list[Said]) -> Completion:
        if messages[-1]["role"] == "tool":
            return Completion("Done.")
        return asks_for(("contact_form", '{"name": "Ann", "message": "m"}'))

    here = await desks(script)
    await chats.write(WHO, AGENT, CHAT, "/help")
    assert "/reset" in (await settled(chats, 1)).said[-1]["text"]
    await chats.write(WHO, AGENT, CHAT, "Call me")
    assert (await settled(chats, 2)).said[-1]["text"] == "Done."
    assert len(await here.rows("select 1 from form_submission")) == 1


async def test_a_chat_is_its_own(desks: MakeDesks, egress: Egress, chats: Chats) -> None:
    """
    Another chat with the same agent holds nothing of it, and another company knows neither.
    """
    await desks()
    await chats.write(WHO, AGENT, CHAT, "hello")
    await settled(chats, 1)
    other = await chats.read(WHO, AGENT, "ch_" + "2" * 32)
    assert (other.said, other.answering) == ([], False)
    stranger = Principal("key/stranger", TenantId("tn_second"), SCOPES)
    for attempt in (chats.read(stranger, AGENT, CHAT), chats.write(stranger, AGENT, CHAT, "hello")):
        with pytest.raises(Unknown):
            await attempt


async def test_chats_have_a_line_that_is_not_among_the_companys_lines(
    desks: MakeDesks, egress: Egress, chats: Chats, console_store: Store
) -> None:
    """
    One for each agent, without an account at a provider: nothing of it can be set, tested or sent elsewhere.
    """
    here = await desks()
    for _ in range(2):
        await chats.write(WHO, AGENT, CHAT, "hello")
    lines = await here.rows("select kind, provider, credential_id from line where channel = 'web'")
    assert lines == [{"kind": "test", "provider": "trunkline", "credential_id": None}]
    assert [it["id"] for it in await Records(console_store, LINES).list(WHO, None, 10)] == ["ln_test"]
