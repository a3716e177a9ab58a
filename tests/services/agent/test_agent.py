"""The agent, with real NATS and Postgres and a model of our own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import orjson
import pytest

from services.agent.budget_accounts import Accounts
from services.agent.handlers import Agent
from services.agent.llm_port import Candidate, Completion, Said
from services.agent.sentences import APOLOGY
from services.agent.store import Turns
from services.router.handlers import Router
from services.router.intake import Intake
from services.router.ratelimit import RateLimit
from services.router.store import Desk
from shared.bus import Bus
from shared.events import TurnInterrupted, TurnRequested, TurnRunning
from shared.failures import MODEL_UNAVAILABLE
from shared.ids import Sequence
from shared.knowledge import Knowledge
from shared.metrics import TAKEOVERS
from shared.process import background
from shared.store.presence import presence
from shared.store.session import Store
from shared.topology import AGENT, ROUTER, TURN, TURN_INTERRUPTED_ANY, TURN_RUNNING_ANY, turn_subject
from shared.vault import place
from tests.eventually import eventually
from tests.fakes.model import FakeModel, Script, asks_for, echo
from tests.services.desk import SECOND, SECOND_LINE, SECOND_SENDER, TENANT, Person, Platform


class Desks:
    """A router and an agent at work."""

    def __init__(self, bus: Bus, platform: Platform, agent: Agent, model: FakeModel) -> None:
        self.bus = bus
        self.platform = platform
        self.agent = agent
        self.model = model
        self.rows = platform.rows

    def person(self, number: str = "+15550001") -> Person:
        return Person(self.bus, self.platform.vault, number)

    async def replies(self, person: Person, count: int) -> list[str]:
        async def look() -> list[dict[str, Any]] | None:
            rows = await self.rows(
                "select public_id, sealed_body from reply where thread = %s order by id", person.thread
            )
            return rows if len(rows) >= count else None

        vault = self.platform.vault
        return [
            orjson.loads(vault.open(row["sealed_body"], place(person.tenant, "reply", row["public_id"])))["markdown"]
            for row in await eventually(look)
        ]

    async def told(self, calls: int) -> list[list[Said]]:
        """Wait until the model was asked that often."""

        async def look() -> list[list[Said]] | None:
            return self.model.told if len(self.model.told) >= calls else None

        return await eventually(look)


MakeDesks = Callable[..., Awaitable[Desks]]


@pytest.fixture
async def desks(
    bus: Bus, platform: Platform, agent_store: Store, router_store: Store, database_url: str
) -> AsyncIterator[MakeDesks]:
    async with presence(database_url) as owner, AsyncExitStack() as sweeps:
        agents: list[Agent] = []

        async def build(
            script: Script = echo,
            *,
            run_limit: float = 60.0,
            burst: float = 20.0,
            room: int = 32,
            other: Script | None = None,
        ) -> Desks:
            await platform.plant()
            model = FakeModel(script)
            agent = Agent(
                bus,
                Turns(agent_store, platform.vault, owner, burst),
                model,
                Knowledge(agent_store),
                5,
                run_limit,
                room,
                Accounts(agent_store, owner),
                fallback=Candidate(FakeModel(other), "other") if other else None,
            )
            router = Router(
                bus,
                Desk(router_store, platform.vault, platform.pepper),
                Intake(RateLimit(100, 60.0), timedelta(seconds=burst)),
                platform.vault,
            )
            bus.on(ROUTER, router.on_inbound, workers=4)
            bus.on(AGENT, agent.on_turn_requested, workers=4)
            await bus.consume()
            await bus.listen(TURN_INTERRUPTED_ANY, TurnInterrupted, agent.on_turn_interrupted)
            await sweeps.enter_async_context(background(agent.threads.sweep()))
            agents.append(agent)
            return Desks(bus, platform, agent, model)

        yield build
        await sweeps.aclose()
        await bus.stop_consuming()
        for agent in agents:
            await agent.threads.end(0)


async def test_a_message_gets_the_models_answer(desks: MakeDesks) -> None:
    """
    The turn ends as one reply, with the model's tokens on record.
    """
    here = await desks()
    ann = here.person()
    await ann.writes("hello")
    assert await here.replies(ann, 1) == ["You said: hello"]
    [turn] = await here.rows("select steps, input_tokens, output_tokens, failure, finished_at from turn")
    assert turn["finished_at"] is not None
    assert (turn["input_tokens"], turn["output_tokens"], turn["failure"]) == (3, 2, None)


async def test_the_model_knows_the_channel_and_the_tenant(desks: MakeDesks) -> None:
    """
    sys.channel and sys.tenant are filled into the instructions.
    """
    here = await desks()
    await here.person().writes("hello")
    [told] = await here.told(1)
    assert told[0]["role"] == "system"
    assert told[0]["content"].startswith("Help Test on whatsapp.")


async def test_one_turn_at_a_time_and_what_comes_after_the_burst_is_the_next(desks: MakeDesks) -> None:
    """
    With bursts off, three messages during a running turn are answered together by the next one, in order.
    """
    here = await desks(burst=0)
    here.model.gate = asyncio.Event()
    ann = here.person()
    await ann.writes("one")
    await here.told(1)
    for text in ("two", "three", "four"):
        await ann.writes(text)

    async def all_asked() -> bool:
        return len(await here.rows("select 1 from message where outcome = 'asked'")) == 4

    await eventually(all_asked)
    here.model.gate.set()
    assert await here.replies(ann, 2) == ["You said: one", "You said: two / three / four"]
    assert here.model.most_running == 1


async def test_people_do_not_wait_for_each_other(desks: MakeDesks) -> None:
    """
    While one person's turn hangs, another's is answered.
    """
    waits = asyncio.Event()

    async def slow(messages: list[Said]) -> Completion:
        await waits.wait()
        return echo(messages, [])

    def script(messages: list[Said], tools: list[Said]) -> Completion | Awaitable[Completion]:
        return slow(messages) if messages[-1]["content"] == "slow" else echo(messages, tools)

    here = await desks(script)
    ann, bob = here.person("+15550001"), here.person("+15550002")
    await ann.writes("slow")
    await here.told(1)
    await bob.writes("quick")
    assert await here.replies(bob, 1) == ["You said: quick"]
    waits.set()
    assert await here.replies(ann, 1) == ["You said: slow"]


async def test_memory_is_the_last_five_messages(desks: MakeDesks) -> None:
    """
    The model is told the five messages before this one, either side's, oldest first.
    """
    here = await desks(burst=0)
    ann = here.person()
    for number in range(1, 5):
        await ann.writes(f"m{number}")
        await here.replies(ann, number)
    told = here.model.told[-1]
    assert [message["content"] for message in told[1:]] == [
        "You said: m1",
        "m2",
        "You said: m2",
        "m3",
        "You said: m3",
        "m4",
    ]


async def test_a_tenant_with_a_flood_of_work_does_not_hold_up_another(desks: MakeDesks) -> None:
    """
    With room for two turns, twelve people of one tenant wait; the one person of another is among the next.
    """
    here = await desks(room=2)
    here.model.gate = asyncio.Event()
    await here.platform.plant_second()
    crowd = [here.person(f"+1555100{number:02d}") for number in range(12)]
    for one in crowd:
        await one.writes("me too")
    lone = Person(here.bus, here.platform.vault, "+15552000", tenant=SECOND, line=SECOND_LINE, to=SECOND_SENDER)
    await lone.writes("only me")

    async def all_asked() -> bool:
        return len(await here.rows("select 1 from thread where done_seq < asked_seq")) == 13

    await eventually(all_asked)
    here.model.gate.set()
    await here.replies(lone, 1)
    for one in crowd:
        await here.replies(one, 1)
    place = [message[-1]["content"] for message in here.model.told].index("only me")
    assert place <= 4


async def test_what_is_written_while_a_turn_runs_makes_it_start_over_with_all_of_it(desks: MakeDesks) -> None:
    """
    Three lines in a row are one turn, under the id that the first began, and get one answer.
    """
    here = await desks()
    here.model.gate = asyncio.Event()
    ann = here.person()
    await ann.writes("one")
    await here.told(1)
    await ann.writes("two")
    await here.told(2)
    await ann.writes("three")
    await here.told(3)
    here.model.gate.set()
    assert await here.replies(ann, 1) == ["You said: one / two / three"]
    assert here.model.most_running == 1
    [turn] = await here.rows("select from_seq, upto_seq from turn")
    assert (turn["from_seq"], turn["upto_seq"]) == (1, 3)


async def test_an_answer_of_which_nothing_was_sent_is_taken_back_by_a_further_message(desks: MakeDesks) -> None:
    """
    The answer waits to be sent when the person adds something: it is cancelled, and its turn answers both.
    """
    here = await desks()
    ann = here.person()
    await ann.writes("one")
    await here.replies(ann, 1)
    await ann.writes("two")
    assert (await here.replies(ann, 2))[1] == "You said: one / two"
    assert [row["state"] for row in await here.rows("select state from reply order by id")] == ["cancelled", "open"]
    assert len(await here.rows("select 1 from turn")) == 1


async def test_an_answer_that_is_being_sent_stands(desks: MakeDesks) -> None:
    """
    Once the first part was tried, a further message is a turn of its own.
    """
    here = await desks()
    ann = here.person()
    await ann.writes("one")
    await here.replies(ann, 1)
    await here.rows(
        """
        insert into part (tenant_id, thread, reply_id, ordinal, sealed_body, state, tries)
        select tenant_id, thread, id, 1, sealed_body, 'sending', 1 from reply returning 1
        """
    )
    await ann.writes("two")
    assert await here.replies(ann, 2) == ["You said: one", "You said: two"]
    assert len(await here.rows("select 1 from turn")) == 2


async def test_a_restarted_turn_does_not_repeat_its_tools(desks: MakeDesks) -> None:
    """
    The form that the first run stored is not stored again by the run that answers both messages.
    """
    form = ("contact_form", '{"name": "Ann", "message": "Please call me"}')
    second = asyncio.Event()

    async def after(completion: Completion) -> Completion:
        await second.wait()
        return completion

    def script(messages: list[Said], _tools: list[Said]) -> Completion | Awaitable[Completion]:
        return after(Completion("Passed on.")) if messages[-1]["role"] == "tool" else asks_for(form)

    here = await desks(script)
    ann = here.person()
    await ann.writes("call me")
    await here.told(2)
    await ann.writes("please")
    await here.told(4)
    second.set()
    assert await here.replies(ann, 1) == ["Passed on."]
    assert len(await here.rows("select 1 from form_submission")) == 1
    assert len(await here.rows("select 1 from tool_call")) == 1


async def test_a_restarted_turn_may_use_its_tools_for_something_else(desks: MakeDesks) -> None:
    """
    The run that answers both messages stores a form of its own, although the first run has stored one at the same step.
    """
    both = asyncio.Event()

    async def after(completion: Completion) -> Completion:
        await both.wait()
        return completion

    def script(messages: list[Said], _tools: list[Said]) -> Completion | Awaitable[Completion]:
        if messages[-1]["role"] == "tool":
            return after(Completion("Passed on."))
        return asks_for(("contact_form", f'{{"name": "Ann", "message": "{messages[-1]["content"]}"}}'))

    here = await desks(script)
    ann = here.person()
    await ann.writes("call me")
    await here.told(2)
    await ann.writes("and write to me")
    await here.told(4)
    both.set()
    assert await here.replies(ann, 1) == ["Passed on."]
    assert len(await here.rows("select 1 from form_submission")) == 2
    assert len(await here.rows("select 1 from tool_call")) == 2


async def test_a_turn_that_runs_again_in_other_steps_does_not_repeat_a_side_effect(desks: MakeDesks) -> None:
    """
    Its owner died after the form was stored. The model comes to the same form by another way: it is not stored again.
    """
    form = ("contact_form", '{"name": "Ann", "message": "Please call me"}')
    detour = ("weather", "{}")

    def script(messages: list[Said], _tools: list[Said]) -> Completion:
        spoken = [said for said in messages if said["role"] == "tool"]
        way = [form] if len(here.model.told) <= 2 else [detour, form]
        return Completion("Passed on.") if len(spoken) == len(way) else asks_for(way[len(spoken)])

    here = await desks(script)
    ann = here.person()
    await ann.writes("call me")
    await here.replies(ann, 1)
    await here.rows("delete from reply returning 1")
    await here.rows("update thread set done_seq = 0, run_at = now() where key = %s returning 1", ann.thread)
    assert await here.replies(ann, 1) == ["Passed on."]
    assert len(here.model.told) == 5
    assert len(await here.rows("select 1 from form_submission")) == 1


async def test_a_quiet_window_gathers_a_burst_before_the_model_is_asked(desks: MakeDesks) -> None:
    """
    A line that waits for a pause asks the model once for two messages, by a scheduled hint.
    """
    here = await desks()
    await here.rows("update line set quiet_ms = 1500 returning 1")
    ann = here.person()
    await ann.writes("one")
    await ann.writes("two")
    assert await here.replies(ann, 1) == ["You said: one / two"]
    assert len(here.model.told) == 1


async def test_help_is_answered_while_a_turn_runs_and_does_not_disturb_it(desks: MakeDesks) -> None:
    """
    The list comes at once, the turn's answer after it.
    """
    here = await desks()
    here.model.gate = asyncio.Event()
    ann = here.person()
    await ann.writes("one")
    await here.told(1)
    await ann.writes("/help")
    [listed] = await here.replies(ann, 1)
    assert listed.startswith("You can send:")
    here.model.gate.set()
    assert (await here.replies(ann, 2))[1] == "You said: one"
    assert len(here.model.told) == 1


@pytest.mark.parametrize("command", ["/stop", "/reset"])
async def test_a_command_that_cancels_ends_the_running_turn(desks: MakeDesks, command: str) -> None:
    """
    The model's run is broken off; nobody waits for it.
    """
    here = await desks()
    here.model.gate = asyncio.Event()
    ann = here.person()
    await ann.writes("one")
    await here.told(1)
    await ann.writes(command)

    async def broken_off() -> bool:
        return here.model.running == 0

    await eventually(broken_off)


async def test_a_turn_whose_messages_are_gone_ends_with_an_apology(desks: MakeDesks) -> None:
    """
    A thread that says it was asked, with no message to show, is settled and told, not tried for ever.
    """
    here = await desks()
    ann = here.person()
    await ann.writes("hello")
    await here.replies(ann, 1)
    await here.rows("update message set outcome = 'erased' returning 1")
    await here.rows("update thread set done_seq = 0, run_at = now() where key = %s returning 1", ann.thread)
    assert (await here.replies(ann, 2))[1] == APOLOGY
    [letter] = await here.rows("select stage, reason from dead_letter")
    assert letter == {"stage": "agent", "reason": "nothing_asked"}


async def test_reset_forgets(desks: MakeDesks) -> None:
    """
    After /reset the model is told nothing of before.
    """
    here = await desks()
    ann = here.person()
    await ann.writes("my name is Ann")
    await here.replies(ann, 1)
    await ann.writes("/reset")
    await ann.writes("who am I?")
    await here.replies(ann, 3)
    assert [message["content"] for message in here.model.told[-1][1:]] == ["who am I?"]


async def test_stop_cancels_the_running_turn(desks: MakeDesks) -> None:
    """
    What the model says after /stop is thrown away; only the confirmation is left.
    """
    here = await desks()
    here.model.gate = asyncio.Event()
    ann = here.person()
    await ann.writes("one")
    await here.told(1)
    await ann.writes("/stop")
    await here.replies(ann, 1)
    here.model.gate.set()
    bob = here.person("+15550002")
    await bob.writes("hello")
    await here.replies(bob, 1)
    assert len(await here.replies(ann, 1)) == 1


async def test_a_model_that_fails_gets_the_person_an_apology(desks: MakeDesks) -> None:
    """
    One polite sentence, and the turn says why.
    """
    here = await desks(lambda *_: MODEL_UNAVAILABLE)
    ann = here.person()
    await ann.writes("hello")
    assert await here.replies(ann, 1) == [APOLOGY]
    [turn] = await here.rows("select failure from turn")
    assert turn["failure"] == "model_unavailable"


async def test_a_turn_that_takes_too_long_ends_with_an_apology(desks: MakeDesks) -> None:
    """
    The run limit ends a turn, not the person's patience.
    """
    here = await desks(run_limit=0.2)
    here.model.gate = asyncio.Event()
    ann = here.person()
    await ann.writes("hello")
    assert await here.replies(ann, 1) == [APOLOGY]


async def test_a_lost_hint_is_swept_up(desks: MakeDesks) -> None:
    """
    Work that is only in the rows is found.
    """
    here = await desks()
    ann = here.person()
    await ann.writes("hello")
    await here.replies(ann, 1)
    await here.rows(
        "update thread set asked_seq = asked_seq + 1, last_seq = last_seq + 1, run_at = now() where key = %s returning 1",
        ann.thread,
    )
    await here.rows(
        """
        insert into message (id, tenant_id, line_id, thread, conversation_id, account_sid, provider_sid, seq, outcome,
                             sealed_text, received_at)
        select 'msg_lost', tenant_id, line_id, thread, conversation_id, account_sid, 'SMlost', seq + 1, 'asked', %s, now()
        from message limit 1 returning 1
        """,
        here.platform.vault.seal(b"and this?", place(TENANT, "message", "msg_lost")),
    )
    assert (await here.replies(ann, 2))[1] == "You said: and this?"


async def test_a_dead_owners_turn_is_taken_over_at_once(desks: MakeDesks) -> None:
    """
    The lease says an hour, but the owner's lock is gone: the turn runs now, under its old id.
    """
    here = await desks()
    ann = here.person()
    await ann.writes("hello")
    await here.replies(ann, 1)
    await here.rows(
        """
        update thread set owner = 4711, fence = fence + 1, lease_until = now() + interval '1 hour', done_seq = 0
        where key = %s returning 1
        """,
        ann.thread,
    )
    await here.rows("delete from reply returning 1")
    before = TAKEOVERS.labels("agent")._value.get()
    assert await here.replies(ann, 1) == ["You said: hello"]
    [turn] = await here.rows("select attempts from turn")
    assert turn["attempts"] == 2
    assert TAKEOVERS.labels("agent")._value.get() == before + 1


async def test_a_live_owners_turn_is_left_alone(desks: MakeDesks, database_url: str) -> None:
    """
    While the owner lives and its lease holds, nobody else runs the turn, however many hints come.
    """
    here = await desks()
    ann = here.person()
    async with presence(database_url) as other:
        held = await _locked(here, other)
        await ann.writes("/help")
        await here.replies(ann, 1)
        await here.rows(
            """
            update thread set owner = %s, lease_until = now() + interval '1 hour', asked_seq = last_seq + 1, run_at = now()
            where key = %s returning 1
            """,
            other,
            ann.thread,
        )
        for number in range(5):
            wanted = TurnRequested(tenant=TENANT, thread=ann.thread, upto_seq=Sequence(2))
            await here.bus.publish(TURN, turn_subject(TENANT, ann.thread), wanted, message_id=f"x{number}")

        async def drained() -> bool:
            info = await here.bus._js.consumer_info("TURN", "agent")
            return bool(info.num_pending == 0 and info.num_ack_pending == 0)

        await eventually(drained)
        assert held
        assert here.model.told == []


async def test_a_turn_that_keeps_dying_ends_with_an_apology(desks: MakeDesks) -> None:
    """
    After five runs that died the model is not asked again.
    """
    here = await desks()
    ann = here.person()
    await ann.writes("hello")
    await here.replies(ann, 1)
    await here.rows("delete from reply returning 1")
    await here.rows("update turn set attempts = 5 returning 1")
    await here.rows("update thread set done_seq = 0, run_at = now() where key = %s returning 1", ann.thread)
    assert await here.replies(ann, 1) == [APOLOGY]
    assert len(here.model.told) == 1


async def test_a_contact_form_is_stored_sealed_and_once(desks: MakeDesks) -> None:
    """
    The tool's call is on the turn's record, and the visitor's words are not in clear.
    """
    form = ("contact_form", '{"name": "Ann", "message": "Please call me"}')

    def script(messages: list[Said], _tools: list[Said]) -> Completion:
        return Completion("Passed on.") if messages[-1]["role"] == "tool" else asks_for(form)

    here = await desks(script)
    ann = here.person()
    await ann.writes("call me")
    assert await here.replies(ann, 1) == ["Passed on."]
    [stored] = await here.rows("select sealed_body from form_submission")
    assert b"call me" not in stored["sealed_body"]
    [call] = await here.rows("select name, step from tool_call")
    assert call == {"name": "contact_form", "step": 1}


async def test_a_running_turn_is_announced(desks: MakeDesks) -> None:
    """
    Whoever shows the typing dots hears that a turn runs.
    """
    here = await desks()
    heard: list[TurnRunning] = []

    async def hear(event: TurnRunning) -> None:
        heard.append(event)

    await here.bus.listen(TURN_RUNNING_ANY, TurnRunning, hear, queue="test")
    ann = here.person()
    await ann.writes("hello")

    async def announced() -> bool:
        return bool(heard)

    await eventually(announced)
    assert heard[0].thread == ann.thread


async def _locked(here: Desks, owner: int) -> bool:
    """Wait until another process's proof of life is held."""

    async def look() -> bool:
        [row] = await here.rows(
            "select pg_try_advisory_lock(%s) as free, pg_advisory_unlock(%s) as undone", owner, owner
        )
        return not row["free"]

    return await eventually(look)
