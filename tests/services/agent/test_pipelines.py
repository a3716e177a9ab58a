"""Pipelines at work: what their steps do, and that turns keep to the version that they began with."""

import asyncio
from decimal import Decimal
from itertools import cycle

import pytest

from services.agent.llm import Completion, Said, Sampling
from services.agent.meter import Meter
from services.agent.prices import Price
from services.console.access import SCOPES, Principal
from services.console.api.agents import AGENTS
from services.console.pipelines import Pipelines
from services.console.records import Dangling, Records
from services.console.takeover import Takeover
from shared.failures import MODEL_UNAVAILABLE
from shared.ids import TenantId, new_id
from shared.process import end_all
from shared.store.session import Store
from tests.eventually import eventually
from tests.fakes.model import Asked, asks_for
from tests.services.agent.test_agent import Desks, MakeDesks, desks
from tests.services.desk import TENANT

__all__ = ["desks"]

WHO = Principal("key/test", TENANT, SCOPES)
FIXED = """
steps:
  - step: branch
    cases:
      - when: {{sys.channel: whatsapp}}
        steps:
          - step: reply
            text: {{en: "This is {0}."}}
    otherwise:
      - step: model
"""


class Select:
    """Lets the tenant's agent run a document, and versions of it after one another."""

    def __init__(self, desks: Desks, pipelines: Pipelines) -> None:
        self.desks = desks
        self.pipelines = pipelines
        self.id = ""
        self.version = 1

    async def run(self, document: str) -> None:
        if not self.id:
            made = await self.pipelines.make(WHO, TENANT, "Test", document)
            self.id = made["id"]
            await self.desks.rows("update agent set pipeline_id = %s where tenant_id = %s returning 1", self.id, TENANT)
        else:
            await self._done(await self.pipelines.change(WHO, self.id, self.version, {"draft": document}))
        await self._done(await self.pipelines.activate(WHO, self.id, self.version, None))

    async def activate(self, number: int) -> None:
        await self._done(await self.pipelines.activate(WHO, self.id, self.version, number))

    async def roll_back(self) -> None:
        await self._done(await self.pipelines.roll_back(WHO, self.id, self.version))

    async def _done(self, row: dict[str, int]) -> None:
        self.version = row["version"]


async def running(here: Desks, console_store: Store, document: str) -> Select:
    select = Select(here, Pipelines(console_store))
    await select.run(document)
    return select


async def test_an_agent_without_a_pipeline_runs_the_shipped_one(desks: MakeDesks) -> None:
    """
    Its own instructions, compact on WhatsApp, and the turn says so.
    """
    here = await desks()
    ann = here.person()
    await ann.writes("hello")
    await here.replies(ann, 1)
    [told] = await here.told(1)
    assert "Channel: whatsapp. The person reads your answer on a phone." in told[0]["content"]
    [turn] = await here.rows("select pipeline, pipeline_version, trail from turn")
    assert (turn["pipeline"], turn["pipeline_version"]) == ("whatsapp-default", 1)
    assert [step["path"] for step in turn["trail"]] == ["steps[0]", "steps[0].cases[0].steps[0]"]


async def test_no_turn_fails_while_pipelines_are_switched_and_each_records_what_it_ran(
    desks: MakeDesks, console_store: Store
) -> None:
    """
    Under traffic a branch on sys.channel is activated and rolled back again and again; every turn answers by the version that
    is on its record.
    """
    here = await desks(burst=0)
    select = await running(here, console_store, FIXED.format("version 1"))
    await select.run(FIXED.format("version 2"))
    people = [here.person(f"+1555000{n:04d}") for n in range(6)]
    switches = 0

    async def write(person_number: int) -> None:
        for count in range(1, 9):
            await people[person_number].writes(f"message {count}")
            await here.replies(people[person_number], count)

    async def switch() -> None:
        nonlocal switches
        for back in cycle((True, False)):
            await (select.roll_back() if back else select.activate(2))
            switches += 1

    switching = asyncio.create_task(switch())
    await asyncio.gather(*map(write, range(len(people))))
    await end_all([switching])
    turns = await here.rows(
        "select turn.thread, failure, attempts, pipeline, pipeline_version from turn order by thread, from_seq"
    )
    assert len(turns) == 48
    assert {(turn["failure"], turn["pipeline"]) for turn in turns} == {(None, select.id)}
    assert {turn["pipeline_version"] for turn in turns} == {1, 2}
    assert switches > 2
    for person in people:
        ran = [f"This is version {turn['pipeline_version']}." for turn in turns if turn["thread"] == person.thread]
        assert await here.replies(person, 8) == ran


async def test_a_turn_ends_under_the_version_that_it_began_with(desks: MakeDesks, console_store: Store) -> None:
    """
    Also when another is active by then, and somebody else takes the turn over.
    """
    here = await desks()
    select = await running(here, console_store, "steps: [{step: model, addition: First.}]")
    here.model.gate = asyncio.Event()
    ann = here.person()
    await ann.writes("hello")
    await here.told(1)
    await select.run("steps: [{step: model, addition: Second.}]")
    await here.rows("update thread set owner = null, fence = fence + 1, run_at = now() returning 1")
    here.agent._interrupt(ann.thread)
    here.agent.threads.hint(TENANT, ann.thread)
    told = await here.told(2)
    here.model.gate.set()
    assert await here.replies(ann, 1) == ["You said: hello"]
    assert "First." in told[1][0]["content"]
    [turn] = await here.rows("select attempts, pipeline_version, failure from turn")
    assert turn == {"attempts": 2, "pipeline_version": 1, "failure": None}


async def test_a_model_step_says_which_model_which_tools_and_how(desks: MakeDesks, console_store: Store) -> None:
    """
    What it leaves out is the agent's own.
    """
    here = await desks()
    document = "steps: [{step: model, instructions: 'For {sys.tenant}.', model: small, tools: [], temperature: 0.5, most_tokens: 9}]"
    await running(here, console_store, document)
    ann = here.person()
    await ann.writes("hello")
    await here.replies(ann, 1)
    assert here.model.asked == [Asked("small", [], Sampling(0.5, 9))]
    assert here.model.told[0][0]["content"].startswith("For Test.\n")


async def test_a_tool_step_tells_the_model_what_came_of_it_and_counts(desks: MakeDesks, console_store: Store) -> None:
    """
    Its arguments hold the message, as data; the side effect happens once.
    """
    here = await desks()
    document = """
    steps:
      - step: tool
        name: contact_form
        arguments: {name: Somebody, message: "{message}"}
      - step: model
    """
    await running(here, console_store, document)
    ann = here.person()
    await ann.writes('call "me" {sys.tenant}')
    await here.replies(ann, 1)
    *_, call, result = here.model.told[0]
    assert call["tool_calls"][0]["function"]["name"] == "contact_form"
    assert result["content"].startswith("The message was passed on.")
    assert len(await here.rows("select 1 from form_submission")) == 1
    [turn] = await here.rows("select steps, trail from turn")
    assert turn["steps"] == 1
    assert turn["trail"][0] == {"step": "tool", "path": "steps[0]", "tool": "contact_form"}


async def test_tool_steps_and_the_models_tools_have_one_limit(desks: MakeDesks, console_store: Store) -> None:
    """
    Of five executed calls two are the pipeline's; the model's fourth is refused.
    """

    def insists(messages: list[Said], tools: list[Said]) -> Completion:
        if not tools:
            return Completion("Enough.")
        return asks_for(*[("contact_form", f'{{"name": "{n}", "message": "m"}}') for n in range(4)])

    here = await desks(insists)
    step = "{{step: tool, name: contact_form, arguments: {{name: {0}, message: m}}}}"
    await running(here, console_store, f"steps: [{step.format('a')}, {step.format('b')}, {{step: model}}]")
    ann = here.person()
    await ann.writes("hello")
    assert await here.replies(ann, 1) == ["Enough."]
    assert len(await here.rows("select 1 from form_submission")) == 5


async def test_nothing_is_retrieved_where_there_are_no_documents(desks: MakeDesks, console_store: Store) -> None:
    """
    The step is passed over, and the turn says so.
    """
    here = await desks()
    await running(here, console_store, "steps: [{step: retrieve}, {step: model}]")
    ann = here.person()
    await ann.writes("hello")
    assert await here.replies(ann, 1) == ["You said: hello"]
    [turn] = await here.rows("select steps, trail from turn")
    assert (turn["steps"], turn["trail"][0]["took"]) == (0, "no documents")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Buongiorno, siete aperti anche la domenica?", "Chiuso."),
        ("Guten Tag, haben Sie am Sonntag geöffnet?", "Zu."),
        ("Are you open on Sunday?", "Closed."),
        ("ok", "Closed."),
    ],
)
async def test_a_reply_is_in_the_language_of_the_message(
    desks: MakeDesks, console_store: Store, text: str, answer: str
) -> None:
    """
    The first one is for all others, and for those who cannot be told.
    """
    here = await desks()
    await running(here, console_store, "steps: [{step: reply, text: {en: Closed., it: Chiuso., de: Zu.}}]")
    ann = here.person()
    await ann.writes(text)
    assert await here.replies(ann, 1) == [answer]
    assert not here.model.told


async def test_a_branch_goes_by_language_and_hours_and_on_behind_it(desks: MakeDesks, console_store: Store) -> None:
    """
    All that a case names must hold; the first that does is taken, and without an end the steps behind the branch follow.
    """
    here = await desks(burst=0)
    document = """
    steps:
      - step: branch
        cases:
          - when: {language: it, opening_hours: {time_zone: UTC}}
            steps: [{step: reply, text: {en: never}}]
          - when: {language: it, sys.user: ""}
            steps: [{step: retrieve}]
        otherwise: [{step: reply, text: {en: otherwise}}]
      - step: model
    """
    await running(here, console_store, document)
    ann = here.person()
    await ann.writes("Vorrei parlare con una persona")
    await here.replies(ann, 1)
    await ann.writes("I want to talk to a human please")
    assert await here.replies(ann, 2) == ["You said: Vorrei parlare con una persona", "otherwise"]


async def test_after_a_handoff_the_agent_is_silent_until_the_conversation_is_given_back(
    desks: MakeDesks, console_store: Store
) -> None:
    """
    The person is told so once; what they write meanwhile is kept in the conversation, and known to the agent then.
    """
    here = await desks(burst=0)
    document = """
    steps:
      - step: branch
        cases:
          - when: {language: en}
            steps: [{step: handoff, text: {en: A colleague will answer.}}]
      - step: model
    """
    await running(here, console_store, document)
    ann = here.person()
    await ann.writes("I want to talk to a human please")
    assert await here.replies(ann, 1) == ["A colleague will answer."]
    await ann.writes("Is anybody there?")

    async def taken_in() -> list[dict[str, str]]:
        return await here.rows("select conversation_id from message where outcome = 'handed_off'")

    [kept] = await eventually(taken_in)
    [conversation] = await here.rows("select id, handed_off_at from conversation")
    assert kept["conversation_id"] == conversation["id"]
    assert conversation["handed_off_at"] is not None
    await here.rows("update conversation set handed_off_at = null returning 1")
    await ann.writes("Grazie, adesso non serve altro")
    assert (await here.replies(ann, 2))[1] == "You said: Is anybody there? / Grazie, adesso non serve altro"


async def test_a_conversation_that_is_given_back_is_remembered_with_what_a_colleague_said(
    desks: MakeDesks, console_store: Store
) -> None:
    """
    And with what the person wrote to them.
    """
    here = await desks(burst=0)
    takeover = Takeover(console_store, here.platform.vault, here.bus)
    ann = here.person()
    await ann.writes("hello")
    await here.replies(ann, 1)
    [conversation] = await here.rows("select id from conversation")
    await takeover.take(WHO, conversation["id"])
    await ann.writes("I need a room")

    async def taken_in() -> list[dict[str, str]]:
        return await here.rows("select 1 from message where outcome = 'handed_off'")

    await eventually(taken_in)
    await takeover.write(WHO, conversation["id"], new_id("rp"), "Room 7 is yours.")
    await here.rows("update conversation set handed_off_at = null returning 1")
    await ann.writes("which one?")
    await here.told(2)
    assert [it["content"] for it in here.model.told[-1][1:]] == [
        "hello",
        "You said: hello",
        "I need a room",
        "Room 7 is yours.",
        "which one?",
    ]


async def test_what_was_asked_before_a_handoff_was_known_is_left_to_the_person_who_has_it(
    desks: MakeDesks, console_store: Store
) -> None:
    """
    A message that came while the turn ran gets no answer of the agent's.
    """
    here = await desks(burst=0)
    await running(here, console_store, "steps: [{step: model}]")
    here.model.gate = asyncio.Event()
    ann = here.person()
    await ann.writes("one")
    await here.told(1)
    await ann.writes("two")

    async def both_asked() -> bool:
        return len(await here.rows("select 1 from message where outcome = 'asked'")) == 2

    await eventually(both_asked)
    await here.rows("update conversation set handed_off_at = now() returning 1")
    here.model.gate.set()
    assert await here.replies(ann, 1) == ["You said: one"]

    async def done() -> bool:
        return bool(await here.rows("select 1 from thread where done_seq = asked_seq and owner is null"))

    await eventually(done)
    assert len(here.model.told) == 1
    assert len(await here.rows("select 1 from turn where finished_at is not null and failure is null")) == 2


async def test_a_turn_records_what_its_model_calls_cost(desks: MakeDesks) -> None:
    """
    By the platform's prices for a million tokens, and for a turn that failed as well.
    """
    calls = iter([asks_for(("nothing", "{}")), MODEL_UNAVAILABLE])

    def script(messages: list[Said], tools: list[Said]):  # type: ignore[no-untyped-def]  # noqa: ANN202 - as the fake has it
        found = next(calls)
        return Completion("", found.tools, 1000, 10, "fake") if isinstance(found, Completion) else found

    here = await desks(script)
    here.agent.meter = Meter({"fake": Price(Decimal("0.25"), Decimal(2))})
    ann = here.person()
    await ann.writes("hello")
    await here.replies(ann, 1)
    [turn] = await here.rows("select cost, input_tokens, output_tokens, failure from turn")
    assert turn == {
        "cost": Decimal("0.00027"),
        "input_tokens": 1000,
        "output_tokens": 10,
        "failure": "model_unavailable",
    }


@pytest.mark.parametrize("prices", [{}, {"other": Price(Decimal(1), Decimal(1))}])
async def test_no_cost_is_made_up(desks: MakeDesks, prices: dict[str, Price]) -> None:
    """
    Without a price for the model there is none.
    """
    here = await desks()
    here.agent.meter = Meter(prices)
    ann = here.person()
    await ann.writes("hello")
    await here.replies(ann, 1)
    [turn] = await here.rows("select cost from turn")
    assert turn["cost"] is None


async def test_pipelines_of_another_tenant_are_out_of_reach(desks: MakeDesks, console_store: Store) -> None:
    """
    An agent cannot be given one.
    """
    here = await desks()
    await here.platform.plant_second()
    select = await running(here, console_store, "steps: [{step: model}]")
    other = Principal("key/other", TenantId("tn_second"), SCOPES)
    with pytest.raises(Dangling):
        await Records(console_store, AGENTS).change(other, "ag_second", 1, {"pipeline": select.id})
