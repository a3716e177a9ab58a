"""Hostile requests have no effect but their answer, and the next genuine message is taken."""

import asyncio
import random

import pytest

from shared.bus import Bus
from tests.services.ingress.gateway import Gateway, accepted, stored
from tests.services.ingress.hostile import Hostile
from tests.services.ingress.table import TABLE
from tests.services.ingress.wire import (
    NO_ANSWER,
    Answer,
    connection,
    encoded,
    exchange,
    has_ended,
    message,
    post,
    read_answer,
    signature,
    twilio_posts,
)

_DRIP = 0.3
_AT_A_TIME = 25


async def drip(port: int, beginning: bytes) -> tuple[Answer, bool]:
    """Send a beginning and then a byte now and again, until there is an answer; tell also whether that was the end."""
    async with connection(port) as (reader, writer):
        writer.write(beginning)
        while True:
            try:
                async with asyncio.timeout(_DRIP):
                    return await read_answer(reader), await has_ended(reader)
            except TimeoutError:
                writer.write(b"a")


@pytest.mark.parametrize("hostile", [pytest.param(one, id=one.name) for one in TABLE])
async def test_a_hostile_request_is_refused_and_has_no_effect(gateway: Gateway, stream: Bus, hostile: Hostile) -> None:
    """
    The answer is the one of the table and says nothing; nothing is stored, and a genuine message is taken after it.
    """
    before = await stored(stream)
    answer = await exchange(gateway.port, hostile.request, until_closed=hostile.closes)
    assert (answer.status, answer.body) == (hostile.status, b"")
    assert answer.closed or not hostile.closes
    assert await stored(stream) == before
    assert (await gateway.twilio_posts(message())).is_taken


def test_the_table_is_long_and_promises_no_server_error() -> None:
    """
    Whatever strangers send is their fault.
    """
    assert len({one.name for one in TABLE}) == len(TABLE) >= 60
    assert {one.status // 100 for one in TABLE} == {4}


async def test_nothing_behind_a_refused_request_is_served(gateway: Gateway, stream: Bus) -> None:
    """
    Where the end of a request is in doubt, what follows may be somebody's smuggled goods.
    """
    before = await stored(stream)
    for hostile in TABLE:
        if hostile.closes:
            pipelined = hostile.request + twilio_posts(message())
            await exchange(gateway.port, pipelined, until_closed=True)
            assert await stored(stream) == before, hostile.name


async def test_after_a_length_and_chunks_no_second_request_is_served(gateway: Gateway, stream: Bus) -> None:
    """
    Somebody in front may have believed the length: what that one took for the body's rest must not be a request here.
    """
    before = await stored(stream)
    proof, smuggled = signature(message()), twilio_posts(message())
    chunks = b"0\r\n\r\n" + smuggled
    for length in (5, len(chunks)):
        head = post(b"", proof, Content_Length=str(length), Transfer_Encoding="chunked")
        answer = await exchange(gateway.port, head + chunks, until_closed=True)
        assert 400 <= answer.status < 500
        assert answer.closed
    assert await stored(stream) == before


async def test_after_a_genuine_message_with_both_framings_the_connection_ends(gateway: Gateway, stream: Bus) -> None:
    """
    Even a good signature does not make the bytes behind it a request.
    """
    before = len(await accepted(stream))
    form = message()
    body = encoded(form)
    head = post(b"", signature(form), Content_Length="5", Transfer_Encoding="chunked")
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    answer = await exchange(gateway.port, head + chunks + twilio_posts(message()), until_closed=True)
    assert answer.closed
    assert [event.provider_sid for event in (await accepted(stream))[before:]] in ([], [dict(form)["MessageSid"]])


async def test_a_body_that_stalls_or_drips_is_given_up(gateway: Gateway, stream: Bus) -> None:
    """
    The whole body has one deadline, which a byte now and again does not move.
    """
    before = await stored(stream)
    form = message()
    begun = post(encoded(form), signature(form))[:-100]
    begun_chunk = (
        post(b"", signature(form), drop=["Content-Length"], Transfer_Encoding="chunked") + b"ff\r\nAccountSid="
    )
    stalled, dripping, chunk = await asyncio.gather(
        exchange(gateway.port, begun, until_closed=True), drip(gateway.port, begun), drip(gateway.port, begun_chunk)
    )
    assert (stalled.status, stalled.closed) == (400, True)
    for answer, ended in (dripping, chunk):
        assert (answer.status, ended) == (400, True)
    assert await stored(stream) == before


async def test_a_head_that_stalls_or_drips_is_given_up(gateway: Gateway, stream: Bus) -> None:
    """
    Who does not finish the head in time never had a request.
    """
    before = await stored(stream)
    begun = twilio_posts(message()).partition(b"\r\n\r\n")[0]
    stalled, dripping = await asyncio.gather(
        exchange(gateway.port, begun, until_closed=True), drip(gateway.port, begun + b"\r\nX-Odd: ")
    )
    assert stalled == NO_ANSWER
    assert dripping == (NO_ANSWER, True)
    assert await stored(stream) == before


async def test_a_sender_that_leaves_within_its_body_leaves_nothing_behind(gateway: Gateway, stream: Bus) -> None:
    """
    A cut connection is no message, wherever it was cut.
    """
    before = await stored(stream)
    request = twilio_posts(message())
    for end in (1, 20, 200, len(request) - 1):
        async with connection(gateway.port) as (reader, writer):
            writer.write(request[:end])
            writer.write_eof()
            answer = await read_answer(reader)
        assert answer.status in {0, 400}
    assert await stored(stream) == before
    assert (await gateway.twilio_posts(message())).is_taken


async def test_idle_connections_keep_nobody_out(gateway: Gateway) -> None:
    """
    Two hundred strangers who connect and say nothing leave room for Twilio.
    """
    idle = [await asyncio.open_connection("127.0.0.1", gateway.port) for _ in range(200)]
    try:
        for _, writer in idle[::2]:
            writer.write(b"POST /webhooks/twilio HTTP/1.1\r\n")
        assert (await gateway.twilio_posts(message())).is_taken
    finally:
        for _, writer in idle:
            writer.close()


async def test_one_changed_byte_never_makes_another_message(gateway: Gateway, stream: Bus) -> None:
    """
    Wherever it is changed: the request is refused, or it is still the message that was signed.
    """
    before = len(await accepted(stream))
    form = message()
    request, chance, room = twilio_posts(form), random.Random(7), asyncio.Semaphore(_AT_A_TIME)

    async def send_changed(place: int) -> int:
        changed = bytearray(request)
        changed[place] ^= 1 << chance.randrange(8)
        async with room:
            return (await exchange(gateway.port, bytes(changed))).status

    statuses = await asyncio.gather(*(send_changed(place) for place in chance.sample(range(len(request)), 300)))
    assert max(statuses) < 500
    assert {event.provider_sid for event in (await accepted(stream))[before:]} <= {dict(form)["MessageSid"]}
    assert len(await accepted(stream)) <= before + 1
