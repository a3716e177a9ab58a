"""Status callbacks: what became of our own messages, stored once and answered with nothing at all."""

import asyncio

from shared.bus import Bus
from shared.ids import AttemptId
from tests.services.ingress.gateway import TENANT, Gateway, accepted, reported, stored
from tests.services.ingress.wire import ACCOUNT, encoded, message, post, report, signature


async def test_a_report_is_stored_and_answered_with_204(gateway: Gateway, stream: Bus) -> None:
    """
    No content and no content type: there is nothing to say to a report.
    """
    form = report("delivered")
    answer = await gateway.twilio_posts(form, "/status?attempt=at_0192-f3_A")
    assert (answer.status, answer.body, answer.headers.get("content-type")) == (204, b"", None)
    event = (await reported(stream))[-1]
    assert (event.tenant, event.account_sid, event.provider_sid) == (TENANT, ACCOUNT, dict(form)["MessageSid"])
    assert (event.attempt, event.status, event.error_code) == ("at_0192-f3_A", "delivered", None)


async def test_a_failure_brings_its_code(gateway: Gateway, stream: Bus) -> None:
    """
    The number decides what is done about it.
    """
    await gateway.twilio_posts(
        report("undelivered", ErrorCode="63016", ErrorMessage="Outside"), "/status?attempt=at_code"
    )
    event = (await reported(stream))[-1]
    assert (event.attempt, event.status, event.error_code) == ("at_code", "undelivered", 63016)


async def test_an_empty_code_or_none_is_no_code(gateway: Gateway, stream: Bus) -> None:
    """
    Twilio sends the field empty, or zero, where all went well.
    """
    for code in ("", "0"):
        await gateway.twilio_posts(report("sent", ErrorCode=code), f"/status?attempt=at_none{code}")
        assert (await reported(stream))[-1].error_code is None


async def test_a_report_without_an_attempt_is_stored_by_its_sid(gateway: Gateway, stream: Bus) -> None:
    """
    A callback that is configured at Twilio itself carries no id of ours.
    """
    form = report("read")
    assert (await gateway.twilio_posts(form, "/status")).status == 204
    event = (await reported(stream))[-1]
    assert (event.attempt, event.provider_sid, event.status) == (None, dict(form)["MessageSid"], "read")


async def test_each_status_of_an_attempt_is_an_event_of_its_own(gateway: Gateway, stream: Bus) -> None:
    """
    They come in any order, and all are kept.
    """
    for status in ("delivered", "sent", "read"):
        assert (await gateway.twilio_posts(report(status), "/status?attempt=at_three")).status == 204
    found = [event.status for event in await reported(stream) if event.attempt == "at_three"]
    assert found == ["delivered", "sent", "read"]


async def test_fifty_deliveries_of_one_report_are_one_event(gateway: Gateway, stream: Bus) -> None:
    """
    Everybody is answered 204.
    """
    form = report("sent")
    answers = await asyncio.gather(*(gateway.twilio_posts(form, "/status?attempt=at_fifty") for _ in range(50)))
    assert {answer.status for answer in answers} == {204}
    assert [event.attempt for event in await reported(stream)].count(AttemptId("at_fifty")) == 1


async def test_a_status_that_nobody_knows_yet_is_kept(gateway: Gateway, stream: Bus) -> None:
    """
    Whoever reads the events decides what it means.
    """
    assert (await gateway.twilio_posts(report("partially_delivered"), "/status?attempt=at_new")).status == 204
    assert (await reported(stream))[-1].status == "partially_delivered"


async def test_a_report_about_a_number_that_is_no_line_is_acknowledged_and_nothing_happens(
    gateway: Gateway, stream: Bus
) -> None:
    """
    It was removed since, or another program sends from it.
    """
    before = await stored(stream)
    answer = await gateway.twilio_posts(report(From="whatsapp:+19998887777"), "/status?attempt=at_gone")
    assert answer.status == 204
    assert await stored(stream) == before


async def test_what_else_the_query_carries_is_signed_and_left_alone(gateway: Gateway, stream: Bus) -> None:
    """
    The raw query is part of the address, in its own order and encoding.
    """
    answer = await gateway.twilio_posts(report("sent"), "/status?z=%20&attempt=at_more&a=%41+b")
    assert answer.status == 204
    assert (await reported(stream))[-1].attempt == "at_more"


async def test_a_report_is_never_a_message(gateway: Gateway, stream: Bus) -> None:
    """
    Nor does it become one on the messages' path.
    """
    before = len(await accepted(stream))
    form = report("delivered", Body="Hello there", NumMedia="0")
    assert (await gateway.twilio_posts(form, "/status?attempt=at_never")).status == 204
    assert (await gateway.twilio_posts(form)).is_taken
    assert len(await accepted(stream)) == before


async def test_the_callback_takes_nothing_but_posts(gateway: Gateway, stream: Bus) -> None:
    """
    A GET is refused even where it is signed.
    """
    before = await stored(stream)
    form = report()
    path = "/webhooks/twilio/status?attempt=at_get"
    proof = signature(form, "https://gateway.example.org" + path)
    answer = await gateway.takes(post(encoded(form), proof, path=path, method="GET"))
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert await stored(stream) == before
    assert (await gateway.twilio_posts(message())).is_taken
