"""One person with several addresses, over the whole way: answered in order, by one turn and one sender at a time."""

import asyncio

import pytest

from services.agent.store import Turns
from shared.store.presence import presence
from shared.store.session import Store
from tests.eventually import eventually
from tests.services.desk import TENANT, Person
from tests.services.tenants.conftest import Gateway

NUMBER, USER_ID = "+15550001", "whatsapp:US.13491208655302741918"


@pytest.fixture
async def people(gateway: Gateway) -> tuple[Person, Person, Person]:
    """The same person: who shows their number, both, or only a user id."""
    await gateway.platform.plant()
    return gateway.person(), gateway.person(user_id=USER_ID), gateway.person(number="", user_id=USER_ID)


People = tuple[Person, Person, Person]


def said(told: list[str]) -> list[str]:
    """Return what was answered, however it was put together to turns."""
    return [text for answer in told for text in answer.removeprefix("You said: ").split(" / ")]


async def test_they_are_answered_in_order_in_one_conversation(gateway: Gateway, people: People) -> None:
    """
    Number, then both, then user id alone: the agent knows what was said before, and the last answers go where they write from.
    """
    for number, (person, text) in enumerate(zip(people, ("one", "two", "three"), strict=True), 1):
        await person.writes(text)
        told = await gateway.told(number)
    assert told == ["You said: one", "You said: two", "You said: three"]
    assert [it["content"] for it in gateway.model.told[-1][1:]] == ["one", told[0], "two", told[1], "three"]
    assert len(await gateway.platform.rows("select 1 from conversation")) == 1


async def test_a_stream_of_both_threads_is_answered_in_order(gateway: Gateway, people: People) -> None:
    """
    Thirty messages that change threads at random: every one is answered once, in order, and one turn runs at a time.
    """
    await people[0].writes("zero")
    await gateway.told(1)
    await people[1].writes("one")
    await gateway.told(2)
    for number in range(30):
        await people[number * number % 7 % 3].writes(f"message {number}")

    async def answered() -> list[str] | None:
        texts = said([sent.body for sent in gateway.channel.sent[2:]])
        return texts if len(texts) >= 30 else None

    assert await eventually(answered) == [f"message {number}" for number in range(30)]
    assert gateway.model.most_running == 1


async def roots(gateway: Gateway) -> bool:
    return bool(await gateway.platform.rows("select 1 from thread where key = root and asked_seq > done_seq"))


async def test_a_turn_of_the_younger_thread_ends_before_the_root_has_its_own(
    gateway: Gateway, people: People, agent_store: Store, database_url: str
) -> None:
    """
    The two prove to be one while it runs: nobody can claim the root's turn until it is answered.
    """
    by_number, both, only_id = people
    await by_number.writes("one")
    await gateway.told(1)
    gateway.model.gate = asyncio.Event()
    await only_id.writes("two")
    await eventually(lambda: _asked(gateway, 2))
    await both.writes("three")
    await eventually(lambda: roots(gateway))
    async with presence(database_url) as owner:
        assert await Turns(agent_store, gateway.platform.vault, owner, 20).claim(TENANT, by_number.thread) is None
    gateway.model.gate.set()
    assert await gateway.told(3) == ["You said: one", "You said: two", "You said: three"]
    assert gateway.model.most_running == 1


async def _asked(gateway: Gateway, calls: int) -> bool:
    return len(gateway.model.told) >= calls


async def test_a_turn_that_runs_beside_the_root_s_starts_over_behind_it(gateway: Gateway, people: People) -> None:
    """
    Both ran before the two were known to be one: the younger is fenced, waits, and is answered once.
    """
    by_number, both, only_id = people
    gateway.model.gate = asyncio.Event()
    await by_number.writes("one")
    await eventually(lambda: _asked(gateway, 1))
    await only_id.writes("two")
    await eventually(lambda: _asked(gateway, 2))
    await both.writes("/help")
    await gateway.told(1)
    gateway.model.gate.set()
    told = await gateway.told(3)
    assert told[0].startswith("You can send")
    assert told[1:] == ["You said: one", "You said: two"]
    turns = await gateway.platform.rows("select attempts, finished_at is null as runs from turn order by from_seq")
    assert turns == [{"attempts": 1, "runs": False}, {"attempts": 2, "runs": False}]
