"""What the adapter makes of each answer: taken, refused for a reason, or unknown; and it never asks twice."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from dev.embedded import free_port
from shared.channels.ports import Accepted, Outcome, Refused, Unknown
from shared.channels.whatsapp_twilio import codes
from shared.channels.whatsapp_twilio.outbound import WhatsAppTwilio
from shared.ids import ProviderSid
from tests.conformance.conftest import SID, OpenChannel, sends
from tests.conformance.provider import BREAK, SILENCE, Provider, answer, problem, refusal

ELSEWHERE = {"Location": "/"}
HTML = "<html><body>Bad gateway</body></html>"
DEEP = b'{"sid":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
LIMIT = 0.5

TAKEN = [
    pytest.param(answer(201, {"sid": SID, "status": "queued"}), id="201"),
    pytest.param(answer(201, {"sid": SID, "status": "pondered", "mood": "good"}), id="what-twilio-invents-tomorrow"),
    pytest.param(answer(200, {"sid": SID}), id="200"),
]

REFUSED = [
    pytest.param(refusal(429, 20429), Refused(codes.THROTTLED, 20429, 429), id="429"),
    pytest.param(answer(429, HTML, "text/html"), Refused(codes.THROTTLED, 429, 429), id="429-html"),
    pytest.param(problem(429, 20429, 429), Refused(codes.THROTTLED, 20429, 429), id="429-problem"),
    pytest.param(refusal(401, 20003), Refused(codes.BAD_CREDENTIALS, 20003, 401), id="401"),
    pytest.param(refusal(404, 20404), Refused(codes.NOT_FOUND, 20404, 404), id="404"),
    pytest.param(problem(400, 21211, 400), Refused(codes.BAD_RECIPIENT, 21211, 400), id="400-problem"),
    pytest.param(refusal(400, 63999), Refused(codes.UNKNOWN_CODE, 63999, 400), id="a-code-of-tomorrow"),
    pytest.param(refusal(400, None), Refused(codes.UNKNOWN_CODE, 400, 400), id="no-code"),
    pytest.param(refusal(400, "²"), Refused(codes.UNKNOWN_CODE, 400, 400), id="a-code-that-is-no-number"),
    pytest.param(refusal(400, [21211]), Refused(codes.UNKNOWN_CODE, 400, 400), id="a-code-in-a-list"),
    pytest.param(answer(400, HTML, "text/html"), Refused(codes.UNKNOWN_CODE, 400, 400), id="400-html"),
    pytest.param(answer(413, []), Refused(codes.UNKNOWN_CODE, 413, 413), id="413-list"),
]

UNKNOWN = [
    pytest.param(refusal(500, 20500), Unknown("server error", 500), id="500"),
    pytest.param(refusal(503, 20503), Unknown("server error", 503), id="503"),
    pytest.param(answer(502, HTML, "text/html"), Unknown("server error", 502), id="502-html"),
    pytest.param(answer(504), Unknown("server error", 504), id="504-empty"),
    pytest.param(problem(503, 20503, 503), Unknown("server error", 503), id="503-problem"),
    pytest.param(refusal(503, 21610), Unknown("server error", 503), id="503-though-its-code-is-clear"),
    pytest.param(answer(201, {"status": "queued"}), Unknown("answer without a sid"), id="no-sid"),
    pytest.param(answer(201, {"sid": None}), Unknown("answer without a sid"), id="null-for-a-sid"),
    pytest.param(answer(201, {"sid": ""}), Unknown("answer without a sid"), id="an-empty-sid"),
    pytest.param(answer(201, {"sid": 5}), Unknown("answer without a sid"), id="a-number-for-a-sid"),
    pytest.param(BREAK, Unknown("ServerDisconnectedError"), id="disconnect-after-the-write"),
    pytest.param(answer(301, headers=ELSEWHERE), Unknown("unreadable answer", 301), id="301"),
    pytest.param(answer(302, headers=ELSEWHERE), Unknown("unreadable answer", 302), id="302"),
    pytest.param(answer(307, headers=ELSEWHERE), Unknown("unreadable answer", 307), id="307"),
    pytest.param(answer(308, headers=ELSEWHERE), Unknown("unreadable answer", 308), id="308"),
]

UNREADABLE = [
    pytest.param(answer(201), id="empty"),
    pytest.param(answer(204), id="no-content"),
    pytest.param(answer(201, HTML, "text/html"), id="html"),
    pytest.param(answer(201, b'{"sid": "SM'), id="half-a-document"),
    pytest.param(answer(201, b'{"sid": "\xff"}'), id="no-utf-8"),
    pytest.param(answer(201, []), id="a-list"),
    pytest.param(answer(201, b"null"), id="null"),
    pytest.param(answer(201, b'"SM"'), id="a-word"),
    pytest.param(answer(201, {"sid": SID, "date_created": 5}), id="a-date-that-is-none"),
    pytest.param(answer(201, DEEP), id="too-deep"),
    pytest.param(answer(201, {"sid": SID}, length=5), id="shorter-than-it-promised"),
    pytest.param(b"HTTP/1.1 nonsense\r\n\r\n", id="no-http"),
    pytest.param(answer(503, b"\xff", "text/html; charset=utf-8"), id="an-error-that-is-no-text"),
    pytest.param(problem(400, 21211, "soon"), id="a-problem-without-a-status"),
    pytest.param(problem(400, 21211, None), id="a-problem-with-null-for-a-status"),
]


@pytest.mark.parametrize("told", TAKEN)
async def test_what_has_an_id_was_taken(told: bytes, channel: WhatsAppTwilio, provider: Provider) -> None:
    """
    Whatever else is in the answer.
    """
    provider.script.append(told)
    assert await sends(channel) == Accepted(ProviderSid(SID), 201)
    assert len(provider.requests) == 1


@pytest.mark.parametrize(("told", "outcome"), REFUSED)
async def test_what_was_refused_was_not_sent(
    told: bytes, outcome: Refused, channel: WhatsAppTwilio, provider: Provider
) -> None:
    """
    429 is never processed, and any other 4xx is final, by its code where there is one.
    """
    provider.script.append(told)
    assert await sends(channel) == outcome
    assert outcome.failure.retry is (outcome.http_status == 429)
    assert len(provider.requests) == 1


async def test_every_code_is_refused_with_its_own_failure(channel: WhatsAppTwilio, provider: Provider) -> None:
    """
    All of the table, one after another on one connection.
    """
    provider.script.extend(refusal(400, code) for code in codes.CODES)
    assert [await sends(channel) for _ in codes.CODES] == [
        Refused(failure, code, 400) for code, failure in codes.CODES.items()
    ]


@pytest.mark.parametrize(("told", "outcome"), UNKNOWN)
async def test_what_may_have_been_taken_is_unknown(
    told: bytes | str, outcome: Outcome, channel: WhatsAppTwilio, provider: Provider
) -> None:
    """
    It is not sent again, and no redirection is followed.
    """
    provider.script.extend([told, answer(201, {"sid": SID})])
    assert await sends(channel) == outcome
    assert len(provider.requests) == 1


@pytest.mark.parametrize("told", UNREADABLE)
async def test_an_answer_that_cannot_be_read_is_unknown(
    told: bytes, open_channel: OpenChannel, provider: Provider
) -> None:
    """
    Nothing is raised, nothing is sent again.
    """
    provider.script.extend([told, answer(201, {"sid": SID})])
    assert isinstance(await sends(open_channel(total_limit=LIMIT)), Unknown)
    assert len(provider.requests) == 1


async def test_a_provider_that_does_not_answer_is_unknown(open_channel: OpenChannel, provider: Provider) -> None:
    """
    When the limit is over, and not later: the SDK's own client would wait without end.
    """
    provider.script.append(SILENCE)
    began = time.monotonic()
    outcome = await sends(open_channel(total_limit=LIMIT))
    assert isinstance(outcome, Unknown)
    assert outcome.http_status is None
    assert LIMIT <= time.monotonic() - began < 10
    assert len(provider.requests) == 1


async def test_a_connection_that_was_kept_open_and_breaks_is_not_tried_again(
    channel: WhatsAppTwilio, provider: Provider
) -> None:
    """
    HTTP clients like to repeat what they write on an old connection: not a send.
    """
    provider.script.extend([answer(201, {"sid": SID}), BREAK, answer(201, {"sid": SID})])
    assert isinstance(await sends(channel), Accepted)
    assert isinstance(await sends(channel), Unknown)
    assert len(provider.requests) == 2


async def test_nobody_listening_is_to_be_tried_again(open_channel: OpenChannel) -> None:
    """
    Not a byte was written.
    """
    outcome = await sends(open_channel(f"http://127.0.0.1:{free_port()}"))
    assert outcome == Refused(codes.UNREACHABLE, None, None)
    assert outcome.failure.retry


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_a_handshake_that_fails_is_to_be_tried_again(greeting: bytes, open_channel: OpenChannel) -> None:
    """
    Whoever does not speak TLS has seen no message.
    """

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(greeting)
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        outcome = await sends(open_channel(f"https://127.0.0.1:{port}"))
    assert outcome == Refused(codes.UNREACHABLE, None, None)


@contextmanager
def deaf() -> Iterator[int]:
    """Give a port that takes no more connections, and does not refuse them either."""
    with ExitStack() as opened:
        listening = opened.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


async def test_a_connection_that_is_not_made_in_time_is_to_be_tried_again(open_channel: OpenChannel) -> None:
    """
    It has a limit of its own, far below the one for the answer.
    """
    with deaf() as port:
        began = time.monotonic()
        outcome = await sends(open_channel(f"http://127.0.0.1:{port}", connect_limit=LIMIT))
    assert outcome == Refused(codes.UNREACHABLE, None, None)
    assert LIMIT <= time.monotonic() - began < 10
