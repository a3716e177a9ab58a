"""Webhook actions of tenants: offered, called, and what has a side effect happens once."""

import asyncio
from collections.abc import Sequence

import orjson
import pytest

from services.agent.attempts import UNKNOWN
from services.agent.llm import Completion, Said
from tests.eventually import eventually
from tests.fakes.model import Script, asks_for
from tests.fakes.web import Asked, FakeWeb, reply
from tests.services.agent.conftest import SECRET, Act, Plant
from tests.services.agent.test_agent import Desks
from tests.services.desk import SECOND, Person, Platform

BOOK = ("book", '{"day": "Friday"}')


@pytest.fixture
async def planted(platform: Platform) -> Platform:
    return await platform.plant()


def books(*wanted: tuple[str, str]) -> Script:
    """Ask for these tools at once, then say what they answered."""

    def script(messages: list[Said], _tools: list[Said]) -> Completion:
        heard = told(messages)
        return Completion("I heard: " + " / ".join(heard)) if heard else asks_for(*(wanted or (BOOK,)))

    return script


def told(messages: Sequence[Said]) -> list[str]:
    return [str(message["content"]) for message in messages if message["role"] == "tool"]


async def said_to(here: Desks, person: Person, text: str = "book") -> str:
    await person.writes(text)
    return (await here.replies(person, 1))[0]


async def forgets(here: Desks, person: Person) -> None:
    """Let the turn's owner have died before it committed, and forget what the tool calls of the turn came to."""
    await here.rows("delete from reply returning 1")
    await here.rows("delete from tool_call returning 1")
    await here.rows("update thread set done_seq = 0, run_at = now() where key = %s returning 1", person.thread)


async def test_an_action_is_called_as_it_is_defined(
    planted: Platform, plant_action: Plant, acting: Act, services: FakeWeb
) -> None:
    """
    The tenant's secret goes along, and the model reads what the paths name.
    """
    await plant_action("book", results=["table.number"], url=f"{services.url}/on/{{day}}")
    services.respond = lambda _asked: reply('{"table": {"number": 7}}')
    here = await acting(books())
    assert await said_to(here, here.person()) == "I heard: table.number: 7"
    [asked] = services.asked
    assert (asked.line, asked.body) == ("POST /on/Friday HTTP/1.1", b"{}")
    assert asked.headers["authorization"] == SECRET
    assert "idempotency-key" not in asked.headers


async def test_actions_are_offered_beside_our_own_tools(planted: Platform, plant_action: Plant, acting: Act) -> None:
    """
    The tenant's own, and of these those that are enabled and can be used.
    """
    await planted.plant_second()
    await plant_action("book")
    await plant_action("off", enabled=False)
    await plant_action("theirs", tenant=SECOND)
    await plant_action("sealed_otherwise", sealed_headers=b"\x01nonsense")
    offered: list[Said] = []

    def script(_messages: list[Said], tools: list[Said]) -> Completion:
        offered.extend(tools)
        return Completion("Hm.")

    here = await acting(script)
    await said_to(here, here.person())
    assert [tool["function"]["name"] for tool in offered] == ["contact_form", "book"]
    assert offered[1]["function"]["parameters"]["additionalProperties"] is False


async def test_who_it_is_for_comes_from_the_session(
    planted: Platform, plant_action: Plant, acting: Act, services: FakeWeb
) -> None:
    """
    Tenant, contact, and the user where the person is one.
    """
    await plant_action("book", headers={"X-Who": "{sys.tenant} {sys.contact} {sys.user}."})
    here = await acting(books())
    await said_to(here, here.person())
    [row] = await here.rows("select contact_id from conversation")
    assert services.asked[0].headers["x-who"] == f"tn_test {row['contact_id']} ."


async def test_arguments_that_do_not_fit_are_not_sent(
    planted: Platform, plant_action: Plant, acting: Act, services: FakeWeb
) -> None:
    """
    The model is told why, also of those that only the address cannot take.
    """
    await plant_action("book", url=f"{services.url}/on/{{day}}", side_effect=True)
    here = await acting(
        books(("book", '{"day": 5}'), ("book", '{"day": "x", "tenant": "tn_second"}'), ("book", '{"day": ".."}'))
    )
    heard = await said_to(here, here.person())
    assert heard.count("The arguments do not fit: ") == 3
    assert services.asked == []
    assert await here.rows("select 1 from tool_attempt") == []


@pytest.mark.parametrize(
    ("answer", "heard"),
    [
        (reply('{"why": "full"}', status=409), 'The service answered with status 409. {"why": "full"}'),
        (
            reply(status=302, location="/"),
            "could not be asked: The host answered with a redirect, which is not followed.",
        ),
        (reply(b"\x00", content_type="image/png"), "could not be asked: The answer is not a text."),
        (
            reply(f'{{"you_sent": "{SECRET}", "again": "a-secret-of-the-tenant"}}'),
            '{"you_sent": "[secret]", "again": "[secret]"}',
        ),
        (reply("a\u200bb\U000e0041c", content_type="text/plain"), "I heard: abc"),
    ],
)
async def test_what_a_service_answers_is_told_within_bounds(  # noqa: PLR0917 - fixtures
    planted: Platform, plant_action: Plant, acting: Act, services: FakeWeb, answer: bytes, heard: str
) -> None:
    """
    Why it did not work, and never a secret or a sign that nobody sees.
    """
    await plant_action("book")
    services.respond = lambda _asked: answer
    here = await acting(books())
    assert heard in await said_to(here, here.person())


async def test_a_side_effect_is_written_down_before_it_is_asked_for(
    planted: Platform, plant_action: Plant, acting: Act, services: FakeWeb
) -> None:
    """
    Under the key that goes along; and what came of it, sealed, before the model hears it.
    """
    await plant_action("book", side_effect=True)
    before: list[object] = []

    async def answer(asked: Asked) -> bytes:
        rows = await planted.rows("select turn_id || ':' || call as key, sealed_result from tool_attempt")
        before.extend([(row["key"], row["sealed_result"]) for row in rows])
        return reply("done", content_type="text/plain")

    services.respond = answer
    here = await acting(books())
    assert await said_to(here, here.person()) == "I heard: done"
    assert before == [(services.asked[0].headers["idempotency-key"], None)]
    [row] = await here.rows("select sealed_result, ended_at from tool_attempt")
    assert row["ended_at"] is not None
    assert b"done" not in row["sealed_result"]


async def test_a_turn_that_runs_again_uses_what_its_side_effect_came_to(
    planted: Platform, plant_action: Plant, acting: Act, services: FakeWeb
) -> None:
    """
    Its owner died after the call was written down, before anything else was.
    """
    await plant_action("book", side_effect=True)
    here = await acting(books())
    ann = here.person()
    first = await said_to(here, ann)
    await forgets(here, ann)
    assert await here.replies(ann, 1) == [first]
    assert len(services.asked) == 1


@pytest.mark.parametrize("idempotent", [False, True])
async def test_a_side_effect_that_was_begun_is_only_repeated_where_that_is_safe(
    planted: Platform,
    plant_action: Plant,
    acting: Act,
    services: FakeWeb,
    idempotent: bool,  # noqa: FBT001 - a case
) -> None:
    """
    Its owner died during the call. A service that knows the key gets it again; else the model hears that nobody knows.
    """
    await plant_action("book", side_effect=True, idempotent=idempotent)
    here = await acting(books())
    ann = here.person()
    await said_to(here, ann)
    await here.rows("update tool_attempt set sealed_result = null, ended_at = null returning 1")
    await forgets(here, ann)
    heard = await here.replies(ann, 1)
    assert heard == ['I heard: {"done": true}' if idempotent else f"I heard: {UNKNOWN}"]
    assert len(services.asked) == (2 if idempotent else 1)
    assert len({asked.headers["idempotency-key"] for asked in services.asked}) == 1


@pytest.mark.parametrize(("idempotent", "times"), [(False, 1), (True, 2)])
async def test_a_side_effect_whose_answer_is_lost_is_unknown(  # noqa: PLR0917 - fixtures
    planted: Platform,
    plant_action: Plant,
    acting: Act,
    services: FakeWeb,
    idempotent: bool,  # noqa: FBT001 - a case
    times: int,
) -> None:
    """
    Where the service knows the key, only after it was asked a second time.
    """
    await plant_action("book", side_effect=True, idempotent=idempotent)
    services.respond = lambda _asked: None
    here = await acting(books())
    assert await said_to(here, here.person()) == f"I heard: {UNKNOWN}"
    assert len(services.asked) == times


async def test_a_side_effect_goes_on_when_its_turn_starts_over(
    planted: Platform, plant_action: Plant, acting: Act, services: FakeWeb
) -> None:
    """
    The person adds something while the service works: the turn that answers both waits for the same call.
    """
    await plant_action("book", side_effect=True)
    gate = asyncio.Event()

    async def answer(_asked: Asked) -> bytes:
        await gate.wait()
        return reply("done", content_type="text/plain")

    services.respond = answer
    here = await acting(books())
    ann = here.person()
    await ann.writes("book")

    async def working() -> bool:
        return bool(services.asked)

    await eventually(working)
    await ann.writes("please")
    await here.told(2)
    gate.set()
    assert await here.replies(ann, 1) == ["I heard: done"]
    assert here.model.told[-1][1]["content"] == "book"
    assert here.model.told[-1][2]["content"] == "please"
    assert len(services.asked) == 1


async def test_equal_calls_at_once_are_one_side_effect(
    planted: Platform, plant_action: Plant, acting: Act, services: FakeWeb
) -> None:
    """
    However their arguments are laid out; another argument is another call.
    """
    await plant_action("book", side_effect=True)
    here = await acting(books(BOOK, ("book", '{ "day" :"Friday"}'), ("book", '{"day": "Monday"}')))
    await said_to(here, here.person())
    days = sorted(orjson.loads(asked.body)["day"] for asked in services.asked)
    assert days == ["Friday", "Monday"]


async def test_a_side_effect_does_not_begin_once_the_turn_is_somebody_elses(
    planted: Platform, plant_action: Plant, acting: Act, services: FakeWeb
) -> None:
    """
    A process that was paused, and woke up, finds a higher fence.
    """
    await plant_action("book", side_effect=True)

    async def taken_over(messages: list[Said]) -> Completion:
        if len(told(messages)) == 0 and len(here.model.told) == 1:
            await here.rows("update thread set fence = fence + 1 returning 1")
            return asks_for(BOOK)
        return Completion("I heard: " + " / ".join(told(messages)))

    here = await acting(lambda messages, _tools: taken_over(messages))
    await here.person().writes("book")
    heard = (await here.told(2))[1]
    assert services.asked == []
    assert told(heard) in ([], ["Not run: the person withdrew the message, or wrote more."])
