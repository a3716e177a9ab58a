"""Turns: listed, shown, and run again by an agent."""

import pytest

from services.console.turns import difference
from shared.bus import Bus
from shared.events import ReplayRequested, TurnReplayed
from shared.topology import TURN_REPLAY
from tests.services.console.api.conftest import ONE, Asker, MakeAsker
from tests.services.console.api.past import Past


async def answering(bus: Bus, past: Past, text: str, failure: str | None = None) -> list[ReplayRequested]:
    """Play the agent, and return what it is asked."""
    asked: list[ReplayRequested] = []

    async def answer(wanted: ReplayRequested) -> TurnReplayed:
        asked.append(wanted)
        said = TurnReplayed(
            tenant=wanted.tenant,
            turn=wanted.turn,
            model="new",
            steps=1,
            input_tokens=33,
            output_tokens=9,
            failure=failure,
        )
        return said.model_copy(update={"sealed": past.vault.seal_text(text, said.seal_context)})

    await bus.answer(TURN_REPLAY, ReplayRequested, answer, most=1)
    return asked


async def test_turns_are_listed_with_what_they_cost(past: Past, admin: Asker) -> None:
    """
    All of a company's, or one conversation's.
    """
    listed = (await admin.ask("GET", f"turns?tenant={ONE}&conversation=cv_one")).json()["items"]
    assert [(it["id"], it["model"], it["input_tokens"], it["output_tokens"]) for it in listed] == [
        ("tu_one", "m", 30, 7)
    ]
    assert (await admin.ask("GET", f"turns?tenant={ONE}&conversation=cv_other")).json()["items"] == []


async def test_a_turn_shows_its_texts_and_tools_where_a_history_is_kept(past: Past, admin: Asker) -> None:
    """
    Without one, it says why it does not.
    """
    hidden = (await admin.ask("GET", "turns/tu_one")).json()
    assert hidden["asked"] == [{"text": None, "text_withheld": "history_off"}]
    assert hidden["answer"] == {"text": None, "text_withheld": "history_off"}
    await past.settings(history=True)
    shown = (await admin.ask("GET", "turns/tu_one")).json()
    assert shown["asked"] == [{"text": "hello", "text_withheld": None}]
    assert shown["answer"] == {"text": "Hi **Ada**", "text_withheld": None}
    assert shown["tools"] == [{"step": 1, "name": "contact_form"}]


async def test_a_repetition_shows_the_difference_in_text_and_tokens(past: Past, admin: Asker, bus: Bus) -> None:
    """
    The agent is asked for this turn, by the model that was named.
    """
    await past.settings(history=True)
    asked = await answering(bus, past, "Hi **Ada**, welcome")
    answer = await admin.ask("POST", "turns/tu_one/replays", json={"model": "new"})
    assert answer.status_code == 201
    told = answer.json()
    assert told["before"] == {"model": "m", "text": "Hi **Ada**", "steps": 2, "input_tokens": 30, "output_tokens": 7}
    assert told["after"] == {
        "model": "new", "text": "Hi **Ada**, welcome", "steps": 1, "input_tokens": 33, "output_tokens": 9,
    }  # fmt: skip
    assert told["diff"].splitlines()[-2:] == ["-Hi **Ada**", "+Hi **Ada**, welcome"]
    assert [(it.tenant, it.turn, it.model) for it in asked] == [(ONE, "tu_one", "new")]


@pytest.mark.parametrize(("history", "failure"), [(False, "history_off"), (True, "no_agent")])
async def test_what_cannot_be_run_again_says_why(past: Past, admin: Asker, *, history: bool, failure: str) -> None:
    """
    Texts that nobody may read are told to no model for the sake of a comparison.
    """
    await past.settings(history=history)
    told = (await admin.ask("POST", "turns/tu_one/replays", json={})).json()
    assert (told["failure"], told["after"], told["diff"]) == (failure, None, None)


async def test_texts_that_are_gone_are_not_asked_about(past: Past, admin: Asker, bus: Bus) -> None:
    """
    The agent is not bothered.
    """
    await past.settings(history=True)
    asked = await answering(bus, past, "never")
    async with past.store.connection() as connection:
        await connection.execute("update message set sealed_text = null")
    assert (await admin.ask("POST", "turns/tu_one/replays", json={})).json()["failure"] == "removed"
    assert asked == []


async def test_an_agents_failure_is_passed_on(past: Past, admin: Asker, bus: Bus) -> None:
    """
    By its code.
    """
    await past.settings(history=True)
    await answering(bus, past, "", "model_unavailable")
    assert (await admin.ask("POST", "turns/tu_one/replays", json={})).json()["failure"] == "model_unavailable"


async def test_another_companys_turns_are_not_there(past: Past, others_past: Past, admin: Asker) -> None:
    """
    Neither to be read nor to be run.
    """
    assert (await admin.ask("GET", "turns/tu_other")).status_code == 404
    assert (await admin.ask("POST", "turns/tu_other/replays", json={})).status_code == 404


async def test_running_again_takes_more_than_reading(past: Past, asker: MakeAsker) -> None:
    """
    It costs tokens.
    """
    reader = await asker(ONE, {"turns:read"})
    assert (await reader.ask("GET", "turns/tu_one")).status_code == 200
    assert (await reader.ask("POST", "turns/tu_one/replays", json={})).status_code == 403


def test_the_same_text_differs_in_nothing() -> None:
    """
    An empty diff says so.
    """
    assert difference("one\ntwo", "one\ntwo") == ""
