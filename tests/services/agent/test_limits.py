"""What ends a turn otherwise than by the model's answer: budgets, other automatic services, models that fail."""

from typing import Any

import pytest

from services.agent.llm_port import Completion, Said
from services.agent.replay import Replays
from services.agent.sentences import APOLOGY, Sentence, sentence
from shared.events import ReplayRequested, TurnRefused, TurnReplayed
from shared.failures import MODEL_UNAVAILABLE
from shared.ids import TurnId
from shared.topology import TURN_REFUSED_ANY, TURN_REPLAY
from tests.eventually import eventually
from tests.fakes.model import asks_for
from tests.services.agent.test_agent import Desks, MakeDesks, desks
from tests.services.desk import TENANT

__all__ = ["desks"]

AWAY = "Thank you for your message. We are away and will answer on Monday."
ITALIAN = "Buongiorno, quanto costa una camera?"


async def refusals(here: Desks) -> list[TurnRefused]:
    heard: list[TurnRefused] = []

    async def hear(event: TurnRefused) -> None:
        heard.append(event)

    await here.bus.listen(TURN_REFUSED_ANY, TurnRefused, hear)
    return heard


@pytest.mark.parametrize(
    ("limit", "said", "code"),
    [
        ("update agent set message_tokens = 10", Sentence.MESSAGE_TOO_LONG, "message_budget_spent"),
        ("update agent set conversation_tokens = 10", Sentence.CONVERSATION_SPENT, "conversation_budget_spent"),
        ("update tenant set daily_tokens = 10", Sentence.DAY_SPENT, "day_budget_spent"),
    ],
)
async def test_over_budget_a_person_is_told_in_their_language(
    desks: MakeDesks, limit: str, said: Sentence, code: str
) -> None:
    """
    The model is not asked; an event tells of it, and nobody has a dead letter to work on.
    """
    here = await desks()
    await here.rows(f"{limit} returning 1")
    heard = await refusals(here)
    ann = here.person()
    await ann.writes(ITALIAN)
    assert await here.replies(ann, 1) == [await sentence(said, [ITALIAN])]
    assert here.model.told == []
    assert await here.rows("select failure from turn") == [{"failure": code}]
    assert await here.rows("select 1 from dead_letter") == []

    async def told() -> bool:
        return [event.reason for event in heard] == [code]

    await eventually(told)


async def test_within_its_budget_a_turn_is_counted_as_the_server_counts(desks: MakeDesks) -> None:
    """
    Nothing stays held.
    """
    here = await desks()
    await here.rows("update tenant set daily_tokens = 100000 returning 1")
    ann = here.person()
    await ann.writes("hello")
    await here.replies(ann, 1)
    assert await here.rows("select used, held from token_account") == [{"used": 5, "held": 0}]
    assert await here.rows("select 1 from token_hold") == []


async def test_the_apology_is_in_the_persons_language(desks: MakeDesks) -> None:
    """
    Which is known by what they wrote.
    """
    here = await desks(lambda *_: MODEL_UNAVAILABLE)
    ann = here.person()
    await ann.writes(ITALIAN)
    assert await here.replies(ann, 1) == [await sentence(Sentence.APOLOGY, [ITALIAN])] != [APOLOGY]


async def test_where_the_model_fails_another_answers(desks: MakeDesks) -> None:
    """
    The turn has not failed.
    """
    here = await desks(lambda *_: MODEL_UNAVAILABLE, other=lambda *_: Completion("From the other."))
    ann = here.person()
    await ann.writes("hello")
    assert await here.replies(ann, 1) == ["From the other."]
    assert await here.rows("select failure from turn") == [{"failure": None}]


async def test_another_automatic_service_gets_one_notice_and_then_silence(desks: MakeDesks) -> None:
    """
    Its fifth that says the same after an answer of ours gets the notice, what comes then nothing; a person may go on at once.
    """
    here = await desks(burst=0)
    heard = await refusals(here)
    bot = here.person()
    for number in range(1, 7):
        await bot.writes(AWAY)
        replies = await here.replies(bot, number)
    assert replies[4:] == [f"You said: {AWAY}", await sentence(Sentence.LOOPING)]
    await bot.writes(AWAY)

    async def silenced() -> bool:
        return bool(await here.rows("select 1 from turn where failure = 'silenced' and finished_at is not null"))

    await eventually(silenced)
    assert len(here.model.told) == 5
    await bot.writes("/reset")
    await bot.writes("it is me")
    assert (await here.replies(bot, 8))[-1] == "You said: it is me"
    assert [event.reason for event in heard] == ["loop_noticed", "silenced"]


async def test_a_whole_conversation_is_remembered_with_notes_of_its_beginning(desks: MakeDesks) -> None:
    """
    The notes are sealed; /reset forgets them.
    """

    def script(messages: list[Said], _tools: list[Said]) -> Completion:
        notes = messages[0]["role"] == "system" and "notes" in messages[0]["content"]
        return Completion("They like cats.", model="fake") if notes else Completion("Aha. " * 60, model="fake")

    here = await desks(script, burst=0)
    await here.rows("update agent set remembers = 'whole', memory_tokens = 500 returning 1")
    ann = here.person()
    for number in range(1, 6):
        await ann.writes(f"m{number} " + "and so on " * 10)
        await here.replies(ann, number)
    assert here.model.told[-1][1]["content"].endswith("They like cats.")
    [kept] = await here.rows("select sealed_summary, summary_seq from conversation")
    assert b"cats" not in kept["sealed_summary"]
    assert kept["summary_seq"] > 0
    await ann.writes("/reset")
    await ann.writes("who am I?")
    await here.replies(ann, 7)
    assert [message["content"] for message in here.model.told[-1][1:]] == ["who am I?"]


async def replayed(here: Desks, **more: Any) -> TurnReplayed:
    """Ask for the one turn's repetition, as the console does."""
    replays = Replays(here.agent, here.agent.turns)
    await here.bus.answer(TURN_REPLAY, ReplayRequested, replays.on_replay_requested, most=1)
    [turn] = await here.rows("select id from turn")
    wanted = ReplayRequested(tenant=TENANT, turn=TurnId(turn["id"]), **more)
    return await here.bus.request(TURN_REPLAY, wanted, TurnReplayed, 20.0)


async def test_a_stored_turn_is_run_again_with_the_results_of_its_tools(desks: MakeDesks) -> None:
    """
    Nothing is sent, and no tool runs: not even where the model words its call otherwise.
    """
    calls = iter(["first", "second"])

    def script(messages: list[Said], _tools: list[Said]) -> Completion:
        if messages[-1]["role"] == "tool":
            return Completion(
                f"The form says: {messages[-1]['content']}", model="fake", input_tokens=8, output_tokens=4
            )
        return asks_for(("contact_form", f'{{"name": "Ann", "message": "{next(calls)}"}}'))

    here = await desks(script)
    ann = here.person()
    await ann.writes("call me")
    [answer] = await here.replies(ann, 1)
    again = await replayed(here)
    assert here.platform.vault.open_text(again.sealed, again.seal_context) == answer
    assert (again.failure, again.steps, again.input_tokens, again.output_tokens) == (None, 1, 8, 4)
    assert len(await here.rows("select 1 from form_submission")) == 1
    assert len(await here.rows("select 1 from reply")) == len(await here.rows("select 1 from turn")) == 1


async def test_a_turn_whose_texts_are_gone_is_not_run_again(desks: MakeDesks) -> None:
    """
    The model is not asked about nothing.
    """
    here = await desks()
    ann = here.person()
    await ann.writes("hello")
    await here.replies(ann, 1)
    await here.rows("update message set sealed_text = null returning 1")
    assert (await replayed(here)).failure == "texts_gone"
    assert len(here.model.told) == 1


async def test_a_budget_that_is_spent_refuses_a_repetition_too(desks: MakeDesks) -> None:
    """
    It costs what any turn costs.
    """
    here = await desks()
    ann = here.person()
    await ann.writes("hello")
    await here.replies(ann, 1)
    await here.rows("update tenant set daily_tokens = 10 returning 1")
    assert (await replayed(here)).failure == "day_budget_spent"
