"""What ingress does with genuine messages: each is stored once, sealed, and only then acknowledged."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dev.embedded import NatsServer
from shared.addresses import Pepper
from shared.bus import Bus
from shared.ids import ProviderSid, Sequence
from shared.topology import INBOUND, inbound_subject
from tests.services.ingress.gateway import KEYS, LINE, OTHER_LINE, TENANT, Gateway, accepted, opened, running, seed
from tests.services.ingress.wire import (
    ACCOUNT,
    DISABLED_SENDER,
    OTHER_ACCOUNT,
    OTHER_SENDER,
    OTHER_TOKEN,
    PERSON,
    SENDER,
    Form,
    connection,
    encoded,
    exchange,
    message,
    post,
    read_answer,
    report,
    sid,
    signature,
    twilio_posts,
)


async def test_a_message_is_stored_and_answered_with_an_empty_response(gateway: Gateway, stream: Bus) -> None:
    """
    The answer is text/xml without a message in it: replies go another way.
    """
    before = len(await accepted(stream))
    answer = await gateway.twilio_posts(message())
    assert answer.is_taken
    assert len(await accepted(stream)) == before + 1


async def test_the_event_says_whose_message_it_is_and_seals_what_it_says(gateway: Gateway, stream: Bus) -> None:
    """
    Tenant and line are open, since services route by them; the person and the text open with the platform's key only.
    """
    form = message(Body="Grüße\n👋", ProfileName="Ann", ExternalUserId="whatsapp:US.13491208655302741918")
    await gateway.twilio_posts(form)
    event = (await accepted(stream))[-1]
    assert (event.tenant, event.line, event.account_sid) == (TENANT, LINE, ACCOUNT)
    assert (event.provider_sid, event.to, event.num_media) == (dict(form)["MessageSid"], SENDER, 0)
    assert abs(datetime.now(UTC) - event.received_at) < timedelta(minutes=5)
    content = opened(event)
    assert (content.sender, content.phone, content.user_id) == (PERSON, PERSON, "whatsapp:US.13491208655302741918")
    assert (content.text, content.profile_name) == ("Grüße\n👋", "Ann")
    assert "Grüße" not in event.model_dump_json()


async def test_fields_that_nobody_knows_yet_are_kept(gateway: Gateway, stream: Bus) -> None:
    """
    Twilio adds parameters without notice; they are signed, accepted and stored with the rest.
    """
    await gateway.twilio_posts([*message(), ("SomethingNew", "1"), ("ButtonPayload", "yes")])
    params = opened((await accepted(stream))[-1]).params
    assert (params["SomethingNew"], params["ButtonPayload"]) == ("1", "yes")


async def test_one_persons_messages_rest_in_one_subject_in_their_order(gateway: Gateway, stream: Bus) -> None:
    """
    The subject is the person's mailbox at the line; its name shows neither.
    """
    person = "whatsapp:+15550009999"
    forms = [message(From=person, Body=str(number)) for number in range(5)]
    for form in forms:
        await gateway.twilio_posts(form)
    subject = inbound_subject(TENANT, Pepper(KEYS["THREAD_PEPPER"]).thread_key("whatsapp", SENDER, person))
    rows = [row async for row in stream.read_forward(INBOUND, subject, Sequence(0), Sequence(10**9), 100)]
    assert len(rows) == 5
    stored = [
        event for event in await accepted(stream) if event.provider_sid in {dict(form)["MessageSid"] for form in forms}
    ]
    assert [opened(event).text for event in stored] == ["0", "1", "2", "3", "4"]


async def test_a_person_without_a_number_is_heard(gateway: Gateway, stream: Bus) -> None:
    """
    A business-scoped user id stands where the number was.
    """
    person = "whatsapp:US.13491208655302741918"
    assert (await gateway.twilio_posts(message(From=person, WaId=None, ExternalUserId=person))).is_taken
    content = opened((await accepted(stream))[-1])
    assert (content.sender, content.user_id, content.phone) == (person, person, None)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        pytest.param({"Body": ""}, "", id="empty"),
        pytest.param({"Body": "", "NumMedia": "1", "MediaUrl0": "https://api.example.org/1"}, "", id="media"),
        pytest.param({"Body": "", "Latitude": "52.5", "Longitude": "13.4"}, "", id="a-place"),
        pytest.param({"Body": "x" * 5000}, "x" * 5000, id="longer-than-is-answered"),
        pytest.param({"Body": "a\x00b\x07c\x1b[31m"}, "abc[31m", id="controls"),
        pytest.param({"Body": " \n "}, " \n ", id="blanks"),
        pytest.param({"Body": "\U0001f600" * 1000}, "\U0001f600" * 1000, id="emoji"),
        pytest.param({"SmsSid": None, "SmsMessageSid": None, "NumSegments": None}, "Hello there", id="few-fields"),
    ],
)
async def test_whatever_a_person_can_write_is_taken(
    gateway: Gateway, stream: Bus, changes: dict[str, str | None], text: str
) -> None:
    """
    What becomes of it is decided later; controls that no database should meet are dropped on the way.
    """
    assert (await gateway.twilio_posts(message(**changes))).is_taken
    assert opened((await accepted(stream))[-1]).text == text


@pytest.mark.parametrize(
    ("form", "token"),
    [
        pytest.param(message(To="whatsapp:+19998887777"), None, id="a-number-that-is-no-line"),
        pytest.param(message(To=OTHER_SENDER), None, id="another-accounts-line"),
        pytest.param(message(To=SENDER, AccountSid=OTHER_ACCOUNT), OTHER_TOKEN, id="our-line-from-another-account"),
        pytest.param(message(To=DISABLED_SENDER), None, id="a-disabled-line"),
        pytest.param(message(From=SENDER), None, id="our-own-number-as-sender"),
        pytest.param(message(From=DISABLED_SENDER), None, id="our-other-number-as-sender"),
        pytest.param(report(), None, id="a-status-callback-on-the-message-path"),
    ],
)
async def test_a_genuine_request_that_is_for_nobody_is_acknowledged_and_nothing_happens(
    gateway: Gateway, stream: Bus, form: Form, token: str | None
) -> None:
    """
    Twilio could not do better by repeating it.
    """
    before = await accepted(stream)
    request = twilio_posts(form, token=token) if token else twilio_posts(form)
    assert (await gateway.takes(request)).is_taken
    assert await accepted(stream) == before


async def test_a_disabled_line_says_in_the_log_that_whatsapp_is_not_enabled(gateway: Gateway) -> None:
    """
    So an operator finds out why nobody answers.
    """
    form = message(To=DISABLED_SENDER)
    await gateway.twilio_posts(form)
    [line] = [line for line in gateway.log.read_text().splitlines() if dict(form)["MessageSid"] in line]
    assert "WhatsApp not enabled" in line


async def test_the_fallback_request_of_a_stored_message_is_a_duplicate(gateway: Gateway, stream: Bus) -> None:
    """
    It brings ErrorCode and ErrorUrl besides, and its own signature; the message is the same.
    """
    form = message()
    await gateway.twilio_posts(form)
    before = await accepted(stream)
    again = [*form, ("ErrorCode", "11200"), ("ErrorUrl", "https://gateway.example.org/webhooks/twilio")]
    assert (await gateway.twilio_posts(again)).is_taken
    assert await accepted(stream) == before


async def test_the_same_sid_of_two_accounts_is_two_messages(gateway: Gateway, stream: Bus) -> None:
    """
    One tenant cannot swallow another's message by sending its id first.
    """
    number = sid()
    assert (await gateway.twilio_posts(message(MessageSid=number))).is_taken
    other = message(MessageSid=number, AccountSid=OTHER_ACCOUNT, To=OTHER_SENDER)
    assert (await gateway.takes(twilio_posts(other, token=OTHER_TOKEN))).is_taken
    found = [(event.line, event.account_sid) for event in await accepted(stream) if event.provider_sid == number]
    assert found == [(LINE, ACCOUNT), (OTHER_LINE, OTHER_ACCOUNT)]


async def test_fifty_deliveries_of_one_message_over_both_paths_are_one_event(gateway: Gateway, stream: Bus) -> None:
    """
    Twilio repeats, falls back and is replayed, at the same time: everybody is told that it worked, and it is there once.
    """
    form = message()
    suffixes = ["", f"/{LINE}"] * 25
    answers = await asyncio.gather(*(gateway.twilio_posts(form, suffix) for suffix in suffixes))
    assert {answer.is_taken for answer in answers} == {True}
    number = dict(form)["MessageSid"]
    assert [event.provider_sid for event in await accepted(stream)].count(ProviderSid(number)) == 1


async def test_fifty_deliveries_over_two_processes_are_one_event(
    nats: NatsServer, bus: Bus, tmp_path: Path, own_gateway: Gateway
) -> None:
    """
    Processes know nothing of each other; the stream knows what it has.
    """
    form = message()
    async with running(Gateway(nats, tmp_path)) as second:
        places = [(one, suffix) for one in (own_gateway, second) for suffix in ("", f"/{LINE}")] * 13
        answers = await asyncio.gather(*(place.twilio_posts(form, suffix) for place, suffix in places[:50]))
        counted = [await one.counted("accepted") for one in (own_gateway, second)]
        repeated = [await one.counted("duplicate") for one in (own_gateway, second)]
    assert {answer.is_taken for answer in answers} == {True}
    assert [event.provider_sid for event in await accepted(bus)] == [dict(form)["MessageSid"]]
    assert (sum(counted), sum(repeated)) == (1, 49)


async def test_a_message_is_known_again_after_a_restart(nats: NatsServer, bus: Bus, tmp_path: Path) -> None:
    """
    A killed process that had stored but not answered leaves no second message behind when Twilio repeats.
    """
    await seed(bus)
    form = message()
    for _ in range(2):
        async with running(Gateway(nats, tmp_path)) as one:
            assert (await one.twilio_posts(form)).is_taken
            assert one.process is not None
            await asyncio.to_thread(one.process.kill)
    assert len(await accepted(bus)) == 1


async def test_a_connection_serves_one_message_after_another(gateway: Gateway, stream: Bus) -> None:
    """
    Twilio keeps connections open: a genuine request leaves its connection to the next.
    """
    before = len(await accepted(stream))
    async with connection(gateway.port) as (reader, writer):
        writer.write(twilio_posts(message()) + twilio_posts(message()))
        assert (await read_answer(reader)).is_taken
        assert (await read_answer(reader)).is_taken
    assert len(await accepted(stream)) == before + 2


async def test_a_chunked_body_is_taken(gateway: Gateway, stream: Bus) -> None:
    """
    Proxies and tunnels re-chunk what Twilio measured.
    """
    form = message()
    body = encoded(form)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:7], body[7:])) + b"0\r\n\r\n"
    head = post(b"", signature(form), drop=["Content-Length"], add=[("Transfer-Encoding", "chunked")])
    assert (await gateway.takes(head + chunks)).is_taken
    assert (await accepted(stream))[-1].provider_sid == dict(form)["MessageSid"]


@pytest.mark.parametrize(
    "changed",
    [
        {"Host": "evil.example.com"},
        {"Host": "127.0.0.1:1"},
        {"X_Forwarded_Host": "evil.example.com", "X_Forwarded_Proto": "http", "X_Forwarded_Port": "81"},
        {"Forwarded": "host=evil.example.com;proto=http", "X_Original_URL": "/webhooks/twilio/other"},
        {"Content_Type": 'Application/X-WWW-Form-urlencoded; Charset="UTF-8"'},
        {"Content_Encoding": "identity"},
        {"I_Twilio_Idempotency_Token": "a-token", "User_Agent": "TwilioProxy/1.1"},
        {"Connection": "close"},
        {"Cookie": "a=b", "Authorization": "Basic eDp5", "Accept": "*/*"},
    ],
)
async def test_headers_that_prove_nothing_change_nothing(
    gateway: Gateway, stream: Bus, changed: dict[str, Any]
) -> None:
    """
    The address is the configured one, whatever a request says about the host it came to.
    """
    form = message()
    assert (await gateway.takes(post(encoded(form), signature(form), **changed))).is_taken
    assert (await accepted(stream))[-1].provider_sid == dict(form)["MessageSid"]


async def test_a_body_that_comes_in_small_pieces_is_taken(gateway: Gateway, stream: Bus) -> None:
    """
    TCP cuts where it likes.
    """
    form = message()
    request = twilio_posts(form)
    pieces = [request[start : start + 40] for start in range(0, len(request), 40)]
    assert (await exchange(gateway.port, *pieces)).is_taken
    assert (await accepted(stream))[-1].provider_sid == dict(form)["MessageSid"]
