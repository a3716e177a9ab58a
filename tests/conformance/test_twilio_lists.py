"""How the adapter asks what became of a doubtful send, and how it shows the dots."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from shared.channels.ports import Credentials, Listed
from shared.channels.whatsapp_twilio.outbound import WhatsAppTwilio
from shared.ids import AccountSid, ProviderSid
from tests.conformance.conftest import CREDENTIALS, PERSON, SENDER, SID, OpenChannel
from tests.conformance.provider import BREAK, SILENCE, Provider, Request, answer, refusal

ELSEWHERE = {"Location": "/"}
SINCE = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)
DEEP = b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def record(number: int = 1, **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "sid": f"SM{number:032d}",
        "body": f"part {number}",
        "status": "delivered",
        "error_code": None,
        "direction": "outbound-api",
        "date_created": format_datetime(SINCE),
        "from": SENDER,
        "to": PERSON,
    }
    return fields | changes


def page(*records: object) -> bytes:
    return answer(200, {"messages": records, "page": 0, "page_size": 20, "next_page_uri": "/next"})


async def finds(
    channel: WhatsAppTwilio, credentials: Credentials = CREDENTIALS, since: datetime = SINCE
) -> list[Listed] | None:
    return await channel.find_sent(credentials, sender=SENDER, to=PERSON, since=since)


async def types(channel: WhatsAppTwilio) -> bool:
    return await channel.typing(CREDENTIALS, provider_sid=ProviderSid(SID))


async def found(channel: WhatsAppTwilio, provider: Provider, *records: object) -> list[str]:
    """Return the ends of the ids of what is found among these records."""
    provider.script.append(page(*records))
    listed = await finds(channel)
    assert listed is not None
    return [it.provider_sid[-1] for it in listed]


def only(provider: Provider) -> Request:
    [request] = provider.requests
    return request


async def test_one_page_is_asked_for_by_both_ends(channel: WhatsAppTwilio, provider: Provider) -> None:
    """
    Not by date: what is queued has none yet. The next page is not asked for.
    """
    await found(channel, provider, record())
    assert only(provider).method == "GET"
    assert only(provider).path == f"/2010-04-01/Accounts/{CREDENTIALS.account_sid}/Messages.json"
    assert only(provider).query == {"To": PERSON, "From": SENDER, "PageSize": "20"}


async def test_a_listed_message_is_read_whole(channel: WhatsAppTwilio, provider: Provider) -> None:
    """
    Its id, text, status, code and time.
    """
    provider.script.append(page(record(1, status="undelivered", error_code=63016, body="Grüße 👋🏽")))
    assert await finds(channel) == [Listed(ProviderSid(record(1)["sid"]), "Grüße 👋🏽", "undelivered", 63016, SINCE)]


async def test_nothing_sent_is_an_empty_list(channel: WhatsAppTwilio, provider: Provider) -> None:
    """
    And not None.
    """
    assert await found(channel, provider) == []


async def test_only_what_was_sent_by_our_kind_of_call_is_found(channel: WhatsAppTwilio, provider: Provider) -> None:
    """
    Answers to webhooks and messages that came in are others'.
    """
    directions = ("inbound", "outbound-api", "outbound-reply", "outbound-call", None)
    records = [record(number, direction=direction) for number, direction in enumerate(directions)]
    assert await found(channel, provider, *records) == ["1"]


async def test_only_what_is_new_enough_is_found(channel: WhatsAppTwilio, provider: Provider) -> None:
    """
    Since the attempt, with five seconds for clocks that differ.
    """
    times = [SINCE + timedelta(seconds=seconds) for seconds in (60, 0, -5, -6, -3600)]
    records = [record(number, date_created=format_datetime(at)) for number, at in enumerate(times)]
    assert await found(channel, provider, *records) == ["0", "1", "2"]


async def test_a_message_without_a_time_counts_as_new(channel: WhatsAppTwilio, provider: Provider) -> None:
    """
    Better one too many to compare than one overlooked.
    """
    assert await found(channel, provider, record(1, date_created=None), record(2, body=None)) == ["1", "2"]


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(refusal(401, 20003), id="401"),
        pytest.param(refusal(404, 20404), id="404"),
        pytest.param(refusal(429, 20429), id="429"),
        pytest.param(refusal(500, 20500), id="500"),
        pytest.param(answer(503, "<html>", "text/html"), id="503-html"),
        pytest.param(answer(302, headers=ELSEWHERE), id="302"),
        pytest.param(answer(200), id="empty"),
        pytest.param(answer(200, "<html>", "text/html"), id="html"),
        pytest.param(answer(200, b'{"messages": ["\xff"]}'), id="no-utf-8"),
        pytest.param(answer(200, b'{"messages": ['), id="half-a-document"),
        pytest.param(answer(200, {}), id="no-messages"),
        pytest.param(answer(200, []), id="a-list"),
        pytest.param(answer(200, b"null"), id="null"),
        pytest.param(answer(200, 5), id="a-number"),
        pytest.param(answer(200, {"messages": None}), id="null-for-messages"),
        pytest.param(answer(200, {"messages": 5}), id="a-number-for-messages"),
        pytest.param(answer(200, {"messages": {"sid": SID}}), id="one-message-for-messages"),
        pytest.param(page(record(), None), id="null-for-a-message"),
        pytest.param(page(record(), "SM"), id="a-word-for-a-message"),
        pytest.param(page(record(), record(sid=None)), id="no-sid"),
        pytest.param(page(record(), record(body=5)), id="a-number-for-a-text"),
        pytest.param(page(record(), record(date_created=5)), id="a-number-for-a-time"),
        pytest.param(page(record(), record(date_created="Sat, 99 Nov 2026 99:00:00 +0000")), id="no-such-day"),
        pytest.param(answer(200, DEEP), id="too-deep"),
        pytest.param(SILENCE, id="silence"),
    ],
)
async def test_whatever_is_no_list_tells_nothing(
    told: bytes | str, open_channel: OpenChannel, provider: Provider
) -> None:
    """
    None, never an empty list, and never a part of one: a doubtful send would be sent again.
    """
    provider.script.append(told)
    assert await finds(open_channel(total_limit=0.5)) is None
    assert len(provider.requests) == 1


async def test_a_login_is_proved_by_a_list_of_one(channel: WhatsAppTwilio, provider: Provider) -> None:
    """
    A standard API key may not read the account, but whatever may send may list.
    """
    provider.script.append(page(record()))
    assert await channel.may_send(CREDENTIALS)
    assert (only(provider).method, only(provider).query) == ("GET", {"PageSize": "1"})


@pytest.mark.parametrize("told", [refusal(401, 20003), refusal(500, 20500), BREAK])
async def test_a_login_that_proves_nothing_may_not_send(
    told: bytes | str, channel: WhatsAppTwilio, provider: Provider
) -> None:
    """
    Refused, out of order or cut off: the reason is for others to tell.
    """
    provider.script.append(told)
    assert not await channel.may_send(CREDENTIALS)


async def test_without_a_login_nobody_is_asked(channel: WhatsAppTwilio, provider: Provider) -> None:
    """
    The SDK would take one from the environment.
    """
    assert not await channel.may_send(Credentials(AccountSid(""), ""))
    assert provider.requests == []


async def test_a_connection_that_breaks_tells_nothing(channel: WhatsAppTwilio, provider: Provider) -> None:
    """
    However often the client asks, which it may: to list changes nothing.
    """
    provider.script.extend([BREAK] * 9)
    assert await finds(channel) is None


async def test_a_code_that_is_no_number_is_none(channel: WhatsAppTwilio, provider: Provider) -> None:
    """
    The message is found all the same.
    """
    provider.script.append(page(record(error_code="none")))
    [listed] = await finds(channel) or []
    assert listed.error_code is None


async def test_the_dots_are_asked_for_with_the_message(channel: WhatsAppTwilio, provider: Provider) -> None:
    """
    A form with two fields, to the messaging host's path.
    """
    provider.script.append(answer(200, {"success": True}))
    assert await types(channel) is True
    assert (only(provider).method, only(provider).target) == ("POST", "/v2/Indicators/Typing.json")
    assert only(provider).headers["content-type"] == "application/x-www-form-urlencoded"
    assert only(provider).form == {"messageId": SID, "channel": "whatsapp"}


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(refusal(400, 20001), id="400"),
        pytest.param(refusal(401, 20003), id="401"),
        pytest.param(refusal(404, 20404), id="404"),
        pytest.param(refusal(429, 20429), id="429"),
        pytest.param(refusal(500, 20500), id="500"),
        pytest.param(answer(302, headers=ELSEWHERE), id="302"),
        pytest.param(answer(503, b"\xff", "text/html; charset=utf-8"), id="no-text"),
        pytest.param(b"HTTP/1.1 nonsense\r\n\r\n", id="no-http"),
        pytest.param(BREAK, id="disconnect"),
    ],
)
async def test_dots_that_are_not_shown_are_no_error(
    told: bytes | str, channel: WhatsAppTwilio, provider: Provider
) -> None:
    """
    False, once, and the reply goes on.
    """
    provider.script.append(told)
    assert await types(channel) is False
    assert len(provider.requests) == 1


async def test_dots_are_waited_for_two_seconds_at_most(channel: WhatsAppTwilio, provider: Provider) -> None:
    """
    Though a send may take thirty.
    """
    provider.script.append(SILENCE)
    began = time.monotonic()
    assert await types(channel) is False
    assert time.monotonic() - began < 10
