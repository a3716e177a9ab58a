"""The simulator refuses what Twilio refuses, and lists as Twilio lists."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from dev.simulator.testing import ACCOUNT_SID, AUTH_TOKEN, SENDER, Running
from tests.simulator.gateway import PERSON, Gateway
from tests.simulator.twilio import BASE, MESSAGES, Twilio, refused

OTHER_PERSON = "whatsapp:+15550009999"
ASTRAL = "👋"
"""One sign, two UTF-16 units."""


def basic(credentials: bytes) -> str:
    return "Basic " + base64.b64encode(credentials).decode()


async def test_the_sdk_creates_fetches_and_lists(sdk: Callable[..., Client], sim: Running) -> None:
    """
    Twilio's own client reads what the simulator says.
    """
    messages = sdk().messages
    made = await messages.create_async(to=PERSON, from_=SENDER, body="Grüße 👋🏽")
    assert (made.status, made.direction, made.body) == ("queued", "outbound-api", "Grüße 👋🏽")
    assert abs(made.date_created - datetime.now(UTC)) < timedelta(minutes=1)
    assert (await sdk().messages(made.sid).fetch_async()).body == made.body
    assert [it.sid for it in await messages.list_async(to=PERSON)] == [made.sid]
    assert (await sdk().api.accounts(ACCOUNT_SID).fetch_async()).status == "active"
    ended = await sim.api.post("/sim/messages", json={"from": PERSON, "body": "Hi"})
    typing = sdk().messaging.v2.typing_indicator
    assert (await typing.create_async(channel="whatsapp", message_id=ended.json()["sid"])).success is True


async def test_the_sdk_names_the_code_of_a_refusal(sdk: Callable[..., Client]) -> None:
    """
    A wrong token is 20003, for sends as for the account.
    """
    wrong = sdk("0" * 32)
    with pytest.raises(TwilioRestException) as create:
        await wrong.messages.create_async(to=PERSON, from_=SENDER, body="Hi")
    with pytest.raises(TwilioRestException) as fetch:
        await wrong.api.accounts(ACCOUNT_SID).fetch_async()
    assert [(it.value.status, it.value.code) for it in (create, fetch)] == [(401, 20003)] * 2


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("Basic", id="no-credentials"),
        pytest.param("Basic ====", id="no-base64"),
        pytest.param("Basic é", id="no-ascii"),
        pytest.param(basic(b"\xff\xfe:\xff"), id="no-utf-8"),
        pytest.param(basic(b":"), id="two-empty-words"),
        pytest.param(basic(f"{ACCOUNT_SID}:".encode()), id="no-token"),
        pytest.param(basic(f"{ACCOUNT_SID}:{AUTH_TOKEN} ".encode()), id="a-blank-behind"),
        pytest.param(basic(f"{AUTH_TOKEN}:{ACCOUNT_SID}".encode()), id="swapped"),
        pytest.param("Bearer " + basic(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode())[6:], id="another-scheme"),
    ],
)
async def test_whoever_does_not_prove_the_account_is_refused(header: str | None, twilio: Twilio) -> None:
    """
    401 and 20003, whatever stands where credentials should; nothing is created.
    """
    headers = {} if header is None else {b"Authorization": header.encode()}
    form = {"To": PERSON, "From": SENDER, "Body": "Hi"}
    answer = await twilio.sim.api.post(MESSAGES, data=form, headers=headers)
    assert refused(answer) == (401, 20003)
    assert await twilio.list() == []


async def test_another_account_is_not_found(twilio: Twilio) -> None:
    """
    These credentials see this account alone.
    """
    other = f"/2010-04-01/Accounts/AC{'0' * 32}"
    for path in (f"{other}.json", f"{other}/Messages.json"):
        assert refused(await twilio.get(path)) == (404, 20404)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param({"To": ""}, 21604, id="no-recipient"),
        pytest.param({"To": "+15550001234"}, 21211, id="a-recipient-without-a-channel"),
        pytest.param({"To": "whatsapp:15550001234"}, 21211, id="a-number-without-its-plus"),
        pytest.param({"To": "whatsapp:+0123456789"}, 21211, id="a-number-that-begins-with-zero"),
        pytest.param({"To": "whatsapp:+1555000123456789"}, 21211, id="a-number-too-long"),
        pytest.param({"To": "whatsapp:+1 555 000 1234"}, 21211, id="a-number-with-blanks"),
        pytest.param({"To": "whatsapp:US."}, 21211, id="an-empty-user-id"),
        pytest.param({"To": PERSON + "\n"}, 21211, id="a-break-behind"),
        pytest.param({"From": "whatsapp:+14155238887"}, 63007, id="a-foreign-sender"),
        pytest.param({"From": SENDER.removeprefix("whatsapp:")}, 63007, id="a-sender-without-a-channel"),
        pytest.param({"From": ""}, 63007, id="no-sender"),
        pytest.param({"Body": ""}, 21602, id="no-text"),
        pytest.param({"Body": "x" * 1601}, 21617, id="one-unit-too-long"),
        pytest.param({"Body": "x" * 1599 + ASTRAL}, 21617, id="one-unit-too-long-though-not-one-sign"),
        pytest.param({"Body": ASTRAL * 801}, 21617, id="signs-of-two-units"),
        pytest.param({"StatusCallback": "gateway.example.org/status"}, 21609, id="a-callback-without-a-scheme"),
        pytest.param({"StatusCallback": "https:///status"}, 21609, id="a-callback-without-a-host"),
        pytest.param({"StatusCallback": "https://[::1/status"}, 21609, id="a-callback-that-is-no-address"),
        pytest.param({"StatusCallback": "https://our_gateway.example.org/"}, 21609, id="a-host-with-an-underscore"),
    ],
)
async def test_what_twilio_refuses_is_refused(fields: dict[str, str], code: int, twilio: Twilio) -> None:
    """
    With its code and 400; nothing is created, and the phone shows nothing.
    """
    assert refused(await twilio.create(**{"body": "Hello"} | _lowered(fields))) == (400, code)
    assert await twilio.list() == []


def _lowered(fields: dict[str, str]) -> dict[str, str]:
    return {"body" if name == "Body" else name: value for name, value in fields.items()}


@pytest.mark.parametrize("body", ["x" * 1600, "x" * 1598 + ASTRAL, ASTRAL * 800, "ß" * 1600])
async def test_1600_units_are_taken(body: str, twilio: Twilio) -> None:
    """
    Counted as Twilio counts, in UTF-16, and not in bytes.
    """
    await twilio.created(body)
    assert [it["body"] for it in await twilio.list()] == [body]


async def test_a_user_id_is_a_recipient(twilio: Twilio, gateway: Gateway) -> None:
    """
    People who show no number can be answered.
    """
    person = "whatsapp:US.13491208655302741918"
    await twilio.write("Hi", **{"from": person})
    sid = await twilio.created(To=person)
    await gateway.until_reported(sid, "sent", "delivered", "read")


async def test_a_body_that_is_not_utf8_is_no_crash(twilio: Twilio) -> None:
    """
    Raw bytes are read as well as they can be.
    """
    body = f"To={PERSON}&From={SENDER}&Body=".replace("+", "%2B").encode() + b"\xff"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await twilio.sim.api.post(MESSAGES, content=body, headers=headers, auth=twilio.auth)
    assert answer.status_code == 201


async def test_a_list_is_newest_first(twilio: Twilio) -> None:
    """
    What came in and what went out, in one order.
    """
    first = await twilio.created("one")
    second = (await twilio.write("two"))["sid"]
    third = await twilio.created("three")
    assert [it["sid"] for it in await twilio.list()] == [third, second, first]
    assert [it["direction"] for it in await twilio.list()] == ["outbound-api", "inbound", "outbound-api"]


async def test_a_list_is_filtered_by_both_ends(twilio: Twilio) -> None:
    """
    To, From, and both.
    """
    ours = await twilio.created("to Ann")
    other = await twilio.created("to Ben", To=OTHER_PERSON)
    theirs = (await twilio.write("from Ann"))["sid"]

    async def sids(**query: str) -> list[str]:
        return [it["sid"] for it in await twilio.list(**query)]

    assert await sids(To=PERSON) == [ours]
    assert await sids(From=SENDER) == [other, ours]
    assert await sids(To=SENDER) == [theirs]
    assert await sids(From=PERSON, To=SENDER) == [theirs]
    assert await sids(From=SENDER, To=OTHER_PERSON) == [other]
    assert await sids(From=OTHER_PERSON) == []


async def test_a_list_is_filtered_by_the_day_of_sending(twilio: Twilio, gateway: Gateway) -> None:
    """
    On the day, until it, from it; a finer time works too.
    """
    sid = await twilio.created()
    await gateway.until_reported(sid, "sent", "delivered", "read")
    sent = twilio.sim.world.messages[sid].sent
    assert sent is not None
    [before, day, after] = [f"{sent + timedelta(days=days):%Y-%m-%d}" for days in (-1, 0, 1)]

    async def finds(**query: str) -> bool:
        return bool(await twilio.list(**query))

    assert [await finds(DateSent=it) for it in (before, day, after)] == [False, True, False]
    assert [await finds(**{"DateSent<": it}) for it in (before, day, after)] == [False, True, True]
    assert [await finds(**{"DateSent>": it}) for it in (before, day, after)] == [True, True, False]
    assert await finds(**{"DateSent>": f"{sent - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"})
    assert not await finds(**{"DateSent>": f"{sent + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"})
    assert not await finds(DateSent="yesterday")


async def test_the_sdk_filters_by_the_time_of_sending(
    twilio: Twilio, gateway: Gateway, sdk: Callable[..., Client]
) -> None:
    """
    As the client writes its dates.
    """
    sid = await twilio.created()
    await gateway.until_reported(sid, "sent", "delivered", "read")
    hour = timedelta(hours=1)
    now = datetime.now(UTC)
    assert [it.sid for it in await sdk().messages.list_async(date_sent_after=now - hour)] == [sid]
    assert await sdk().messages.list_async(date_sent_before=now - hour) == []


async def test_what_was_not_sent_has_no_day_of_sending(twilio: Twilio) -> None:
    """
    A filter by date hides it: that is why nobody should look for doubtful sends with one.
    """
    await twilio.order("failed")
    sid = await twilio.created()
    assert await twilio.list(**{"DateSent>": "2000-01-01"}) == []
    assert [it["sid"] for it in await twilio.list()] == [sid]


async def test_the_sdk_follows_the_pages(twilio: Twilio, sdk: Callable[..., Client]) -> None:
    """
    Each message once, in order, and no page behind the last.
    """
    made = [await twilio.created(f"part {number}") for number in range(5)]
    found = await sdk().messages.list_async(to=PERSON, page_size=2)
    assert [it.sid for it in found] == made[::-1]


async def test_pages_name_their_neighbours(twilio: Twilio) -> None:
    """
    Filters stay in the addresses of the pages.
    """
    for number in range(3):
        await twilio.created(f"part {number}")
    first = (await twilio.get(MESSAGES, To=PERSON, PageSize="2")).json()
    assert (first["page"], first["start"], first["end"], first["previous_page_uri"]) == (0, 0, 1, None)
    second = (await twilio.get(first["next_page_uri"])).json()
    assert (second["page"], second["start"], second["end"], second["next_page_uri"]) == (1, 2, 2, None)
    assert [it["body"] for it in second["messages"]] == ["part 0"]
    again = (await twilio.get(second["previous_page_uri"])).json()
    assert [it["sid"] for it in again["messages"]] == [it["sid"] for it in first["messages"]]


@pytest.mark.parametrize("query", [{"PageSize": "0"}, {"PageSize": "many"}, {"Page": "-1"}, {"Page": "9" * 5000}])
async def test_a_page_that_cannot_be_is_refused(query: dict[str, str], twilio: Twilio) -> None:
    """
    By the simulator, and not by a crash.
    """
    assert (await twilio.get(MESSAGES, **query)).status_code == 400


async def test_a_page_has_at_most_a_thousand_messages(twilio: Twilio) -> None:
    """
    Whatever was asked for.
    """
    assert (await twilio.get(MESSAGES, PageSize="5000")).json()["page_size"] == 1000


async def test_typing_shows_the_dots_and_marks_as_read(twilio: Twilio) -> None:
    """
    That is what the indicator does to the message that it names.
    """
    sid = (await twilio.write())["sid"]
    assert (await twilio.type(sid)).status_code == 200
    state = (await twilio.sim.api.get("/sim/state", params={"phone": PERSON})).json()
    assert (state["typing"], state["messages"][0]["status"]) == (True, "read")


async def test_the_dots_go_when_a_message_comes(twilio: Twilio, gateway: Gateway) -> None:
    """
    Not before.
    """
    await twilio.type((await twilio.write())["sid"])
    await gateway.until_reported(await twilio.created(), "sent", "delivered", "read")
    assert (await twilio.sim.api.get("/sim/state", params={"phone": PERSON})).json()["typing"] is False


async def test_typing_needs_a_message_that_came_in(twilio: Twilio) -> None:
    """
    Of this channel, and known.
    """
    sid = (await twilio.write())["sid"]
    assert refused(await twilio.type(sid, "WHATSAPP"))[0] == 400
    assert refused(await twilio.type("SM1"))[0] == 400
    assert refused(await twilio.type("SM" + "0" * 32)) == (404, 20404)
    assert refused(await twilio.type(await twilio.created())) == (404, 20404)


async def test_a_message_that_is_not_there_is_not_found(twilio: Twilio) -> None:
    """
    404 and 20404.
    """
    assert refused(await twilio.get(f"{BASE}/Messages/SM{'0' * 32}.json")) == (404, 20404)
