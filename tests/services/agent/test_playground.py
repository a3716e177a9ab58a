"""Trials of pipelines: the answer that a person would have been given, and nothing else."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from services.agent.llm import Completion, Said
from services.agent.mcp_tools import McpTools
from services.agent.playground import Playground
from services.console.access import SCOPES, Principal
from services.console.mcp import McpServers
from services.console.records import Unknown
from services.console.trials import Trials
from shared.bus import Bus
from shared.events import TrialRequested
from shared.ids import TenantId
from shared.outbound import Guard
from shared.pipelines import NotAPipeline
from shared.store.session import Store
from shared.topology import TRIAL
from tests.fakes.mcp_server import mcp_server
from tests.fakes.model import FakeModel, Script, asks_for, echo
from tests.services.agent.conftest import Plant
from tests.services.agent.test_agent import Desks, MakeDesks, desks
from tests.services.desk import TENANT, Platform

__all__ = ["desks"]

WHO = Principal("key/test", TENANT, SCOPES)
DRAFT = "steps: [{step: model, instructions: 'Draft for {sys.channel}.'}]"

_COUNTED = ("turn", "reply", "tool_call", "tool_attempt", "form_submission", "part", "dead_letter")


class Play:
    """A conversation of one message and its answer, and somebody who tries pipelines out on it."""

    def __init__(self, here: Desks, trials: Trials, model: FakeModel) -> None:
        self.here = here
        self.trials = trials
        self.model = model

    async def conversation(self) -> str:
        await self.here.rows("update tenant set history = true returning 1")
        ann = self.here.person()
        await ann.writes("hello")
        await self.here.replies(ann, 1)
        [row] = await self.here.rows("select id from conversation")
        return str(row["id"])

    async def counts(self) -> list[int]:
        rows = [await self.here.rows(f"select count(*) as n from {table}") for table in _COUNTED]
        return [row["n"] for [row] in rows]


MakePlay = Callable[..., Awaitable[Play]]


@pytest.fixture
async def play(desks: MakeDesks, bus: Bus, platform: Platform, agent_store: Store, console_store: Store) -> MakePlay:
    async def build(script: Script = echo, servers: McpTools | None = None) -> Play:
        here, model = await desks(), FakeModel(script)
        playground = Playground(replace(here.agent, model=model, servers=servers), agent_store, platform.vault)
        await bus.answer(TRIAL, TrialRequested, playground.on_trial_requested, most=2)
        return Play(here, Trials(console_store, platform.vault, bus), model)

    return build


async def test_a_draft_is_tried_on_the_newest_message_and_nothing_is_left_of_it(play: MakePlay) -> None:
    """
    The answer, the steps and the tokens come back; no turn, no reply, no send.
    """
    here = await play()
    conversation = await here.conversation()
    before = await here.counts()
    result, failure = await here.trials.run(WHO, conversation, DRAFT)
    assert failure is None
    assert result is not None
    assert (result.text, result.input_tokens, result.output_tokens, result.cost) == ("You said: hello", 3, 2, None)
    assert [step["step"] for step in result.trail] == ["model"]
    [told] = here.model.told
    assert told[0]["content"].startswith("Draft for whatsapp.\n")
    assert [said["content"] for said in told[1:]] == ["hello"]
    assert await here.counts() == before


async def test_what_has_a_side_effect_is_told_and_not_done(play: MakePlay, plant_action: Plant) -> None:
    """
    Built-in tools and the tenant's own.
    """

    def script(messages: list[Said], tools: list[Said]) -> Completion:
        if messages[-1]["role"] == "tool":
            return Completion("Done.")
        assert {"contact_form", "book"} <= {tool["function"]["name"] for tool in tools}
        return asks_for(("contact_form", '{"name": "Ann", "message": "m"}'), ("book", '{"day": "Friday"}'))

    here = await play(script)
    conversation = await here.conversation()
    await plant_action("book", side_effect=True)
    before = await here.counts()
    result, _ = await here.trials.run(WHO, conversation, DRAFT)
    assert result is not None
    assert (result.text, sorted(result.told), result.steps) == ("Done.", ["book", "contact_form"], 2)
    assert await here.counts() == before


async def test_tools_of_servers_are_told_and_not_called(
    play: MakePlay, platform: Platform, agent_store: Store, console_store: Store, guard: Guard
) -> None:
    """
    A draft is offered what the live agent would be.
    """

    def script(messages: list[Said], tools: list[Said]) -> Completion:
        if messages[-1]["role"] == "tool":
            return Completion("Done.")
        assert "t_book" in {tool["function"]["name"] for tool in tools}
        return asks_for(("t_book", '{"day": "Friday"}'))

    async with mcp_server() as served:
        vault = platform.vault
        here = await play(script, McpTools(agent_store, vault, guard))
        values = {"name": "t", "url": served.url, "tools": ["book"], "enabled": True}
        await McpServers(console_store, vault, guard).make(WHO, TENANT, values, {})
        result, _ = await here.trials.run(WHO, await here.conversation(), DRAFT)
        assert result is not None
        assert (result.text, result.told) == ("Done.", ["t_book"])
        assert served.called == []


async def test_a_handoff_is_told_and_hands_nothing_off(play: MakePlay) -> None:
    """
    The conversation stays the agent's.
    """
    here = await play()
    conversation = await here.conversation()
    result, _ = await here.trials.run(WHO, conversation, "steps: [{step: handoff, text: {en: One moment.}}]")
    assert result is not None
    assert (result.text, result.handed_off) == ("One moment.", True)
    [row] = await here.here.rows("select handed_off_at from conversation")
    assert row["handed_off_at"] is None


async def test_where_nothing_can_be_tried_it_is_told_why(
    play: MakePlay, bus: Bus, platform: Platform, console_store: Store
) -> None:
    """
    A document with mistakes, a conversation of others, a company without a history, and no agent that answers.
    """
    here = await play()
    conversation = await here.conversation()
    with pytest.raises(NotAPipeline):
        await here.trials.run(WHO, conversation, "steps: []")
    with pytest.raises(Unknown):
        await here.trials.run(Principal("key/x", TenantId("tn_second"), SCOPES), conversation, DRAFT)
    await here.here.rows("update message set sealed_text = null returning 1")
    assert await here.trials.run(WHO, conversation, DRAFT) == (None, "nothing_asked")
    await here.here.rows("update tenant set history = false returning 1")
    assert await here.trials.run(WHO, conversation, DRAFT) == (None, "history_off")
    assert not here.model.told


async def test_without_an_agent_a_trial_does_not_wait(
    desks: MakeDesks, bus: Bus, platform: Platform, console_store: Store
) -> None:
    """
    Nobody answers, and that is told at once.
    """
    here = Play(await desks(), Trials(console_store, platform.vault, bus), FakeModel())
    conversation = await here.conversation()
    assert await here.trials.run(WHO, conversation, DRAFT) == (None, "agent_unavailable")
