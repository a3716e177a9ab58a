"""Calls through the outbound guard, to web servers on loopback that behave as badly as servers can."""

import asyncio
import gzip
import ssl
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from shared.outbound import Allowed, Guard, GuardedTransport, OutboundFailure, Received, open_guard
from tests.fakes.tls import self_signed
from tests.fakes.web import PUBLIC, Asked, FakeResolver, FakeWeb, NotedDialer, Respond, reply, web_server

HERE = Allowed.of("127.0.0.1", loopback=True)
MOST = 256 * 1024


@asynccontextmanager
async def serving(respond: Respond | bytes | None, limit: float = 10.0) -> AsyncIterator[tuple[Guard, FakeWeb]]:
    """Serve, and guard calls to it."""
    answer = respond if callable(respond) else lambda _asked: respond
    async with web_server(answer) as web, open_guard(HERE, limit=limit) as guard:
        yield guard, web


async def code_of(answer: bytes | None) -> str:
    """Return why a call with this answer fails."""
    async with serving(answer) as (guard, web):
        came = await guard.ask("GET", web.url)
    assert isinstance(came, OutboundFailure)
    assert "127.0.0.1" not in came.words
    return came.code


async def test_a_call_brings_back_status_type_and_text() -> None:
    """
    What was asked arrives as it was meant, with nothing of ours beside it but our name.
    """
    async with serving(reply('{"a": "ä"}', status=201, content_type="application/json; charset=utf-8")) as (guard, web):
        came = await guard.ask("POST", f"{web.url}/a%20b?c=d#e", headers={"X-Key": "k"}, content=b"body")
    assert came == Received(201, '{"a": "ä"}', "application/json")
    [asked] = web.asked
    assert (asked.line, asked.body) == ("POST /a%20b?c=d HTTP/1.1", b"body")
    assert asked.headers == {
        "host": f"127.0.0.1:{web.port}",
        "x-key": "k",
        "user-agent": "Trunkline",
        "accept-encoding": "gzip, deflate",
        "connection": "close",
        "content-length": "4",
    }


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 300])
async def test_a_redirect_is_not_followed(status: int) -> None:
    """
    Not even to the same host.
    """
    async with serving(reply(status=status, location="/other")) as (guard, web):
        came = await guard.ask("GET", web.url)
    assert isinstance(came, OutboundFailure)
    assert (came.code, len(web.asked)) == ("redirected", 1)


async def test_cookies_are_not_kept_and_connections_not_used_twice() -> None:
    """
    One tenant's call tells nothing of another's, and a connection that is being closed swallows no request.
    """
    async with serving(reply("{}", set_cookie="a=b; Path=/")) as (guard, web):
        for _ in range(2):
            assert isinstance(await guard.ask("GET", web.url), Received)
    assert "cookie" not in web.asked[1].headers


async def test_the_environments_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    It would resolve names by itself.
    """
    async with web_server() as proxy, serving(reply("{}")) as (guard, web):
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert isinstance(await guard.ask("GET", web.url), Received)
    assert proxy.asked == []


async def test_an_answer_that_does_not_come_is_given_up() -> None:
    """
    Nor does one that comes drop by drop outlive the time limit; the other side may have acted on the request.
    """
    gate = asyncio.Event()

    async def silent(_asked: Asked) -> bytes:
        await gate.wait()
        return b""

    async with serving(silent, limit=0.2) as (guard, web):
        came = await guard.ask("GET", web.url)
        gate.set()
    assert isinstance(came, OutboundFailure)
    assert (came.code, came.begun) == ("timed_out", True)


async def test_who_cannot_be_reached_has_not_begun() -> None:
    """
    So that a call with a side effect may be made again.
    """
    async with web_server() as web:
        gone = web.url
    async with open_guard(HERE) as guard:
        came = await guard.ask("POST", gone)
    assert isinstance(came, OutboundFailure)
    assert (came.code, came.begun) == ("unreachable", False)


def packed(body: bytes, encoding: str, pack: Callable[[bytes], bytes]) -> bytes:
    return reply(pack(body), content_encoding=encoding)


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes), ("GZIP", gzip.compress)],
)
async def test_a_packed_answer_is_unpacked(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    """
    Up to the limit, to the byte.
    """
    async with serving(packed(b"x" * MOST, encoding, pack)) as (guard, web):
        assert await guard.ask("GET", web.url) == Received(200, "x" * MOST, "application/json")


HOSTILE_ANSWERS = {
    "too long": (reply(b"x" * (MOST + 1)), "answer_too_large"),
    "says that it is too long": (reply(b"", content_length=str(MOST + 1)), "answer_too_large"),
    "says that it is endless": (reply(b"", content_length="9" * 19), "answer_too_large"),
    "too long once unpacked": (packed(b"x" * (MOST + 1), "gzip", gzip.compress), "answer_too_large"),
    "a bomb": (packed(bytes(10_000_000), "gzip", gzip.compress), "answer_too_large"),
    "a bomb of another kind": (packed(bytes(10_000_000), "deflate", zlib.compress), "answer_too_large"),
    "a bomb in a bomb": (
        packed(gzip.compress(bytes(10_000_000)), "gzip, gzip", gzip.compress),
        "answer_not_text",
    ),
    "packed as nobody asked": (packed(b"x", "br", bytes), "answer_not_text"),
    "packed, and cut": (packed(b"x" * 1000, "gzip", lambda body: gzip.compress(body)[:-9]), "broke_off"),
    "not packed at all": (packed(b"x" * 1000, "gzip", bytes), "broke_off"),
    "headers without end": (reply("{}", x="y" * 17_000), "answer_too_large"),
    "more headers than anybody reads": (reply("{}", x="y" * 200_000), "broke_off"),
    "cut off": (reply("{}", content_length="10"), "broke_off"),
    "nothing": (None, "broke_off"),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "broke_off"),
    "two lengths": (b"HTTP/1.1 200 X\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "broke_off"),
    "a picture": (reply(b"\x89PNG", content_type="image/png"), "answer_not_text"),
    "a program": (reply(b"\x7fELF", content_type="application/octet-stream"), "answer_not_text"),
    "of no type": (b"HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\n{}", "answer_not_text"),
    "a charset that hides things": (reply(b"+ADw-", content_type="text/html; charset=utf-7"), "answer_not_text"),
    "a charset that is a program": (reply(b"x", content_type="text/plain; charset=zlib_codec"), "answer_not_text"),
}


@pytest.mark.parametrize(("answer", "code"), HOSTILE_ANSWERS.values(), ids=HOSTILE_ANSWERS)
async def test_a_hostile_answer_is_refused(answer: bytes | None, code: str) -> None:
    """
    Without more of it being read than fits.
    """
    assert await code_of(answer) == code


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (b"\xe4", "text/plain; charset=ISO-8859-1", "ä"),
        (b"\xff\x00", "text/plain", "\ufffd\x00"),
        (b"{}", 'application/problem+json;charset="utf-8"', "{}"),
        (b"", "image/png", ""),
    ],
)
async def test_a_text_is_read_by_its_charset(body: bytes, content_type: str, text: str) -> None:
    """
    What cannot be read is marked; an empty answer needs no type.
    """
    async with serving(reply(body, content_type=content_type)) as (guard, web):
        came = await guard.ask("GET", web.url)
    assert isinstance(came, Received)
    assert came.text == text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "internal"),
        ("content-length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "keep-alive"),
        ("Proxy-Authorization", "x"),
        ("Expect", "100-continue"),
        ("X-A", "b\r\nHost: internal"),
        ("X-A\r\nHost", "b"),
        ("X A", "b"),
        ("", "b"),
        ("X-A", "ä"),
    ],
)
async def test_a_header_that_decides_where_a_request_goes_is_refused(name: str, value: str) -> None:
    """
    Or where it ends.
    """
    async with serving(reply("{}")) as (guard, web):
        came = await guard.ask("GET", web.url, headers={name: value})
    assert isinstance(came, OutboundFailure)
    assert (came.code, web.asked) == ("header_refused", [])


async def test_another_librarys_client_is_guarded_by_the_transport() -> None:
    """
    It meets the same walls, as exceptions of the kind that it knows.
    """
    async with web_server(lambda _asked: packed(b"x" * 10, "gzip", gzip.compress)) as web:
        transport = GuardedTransport(HERE)
        async with httpx2.AsyncClient(transport=transport, trust_env=False) as client:
            assert (await client.get(web.url)).text == "x" * 10
            for url in ("https://127.0.0.2/", "http://example.org/"):
                with pytest.raises(httpx2.TransportError):
                    await client.get(url)
    assert len(web.asked) == 1


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_signed(tmp_path / "certificate.pem", "example.org")


@pytest.mark.parametrize(
    ("host", "trusts", "outcome"),
    [
        ("example.org", True, "reached"),
        ("other.example.org", True, "certificate"),
        ("example.org", False, "certificate"),
    ],
)
async def test_the_checked_address_answers_under_the_hosts_name(
    certificate: Path,
    host: str,
    trusts: bool,  # noqa: FBT001 - a case
    outcome: str,
) -> None:
    """
    TLS asks for the host by name and checks that its certificate is the host's, and somebody's whom we trust.
    """
    names: list[str | None] = []
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate)
    server.sni_callback = lambda _socket, name, _context: names.append(name)
    trusted = ssl.create_default_context(cafile=str(certificate)) if trusts else ssl.create_default_context()
    async with web_server(tls=server) as web:
        dialer = NotedDialer(port=web.port)
        async with open_guard(Allowed(), resolver=FakeResolver(), dialer=dialer, tls=trusted) as guard:
            came = await guard.ask("GET", f"https://{host}/")
    assert (came.code if isinstance(came, OutboundFailure) else "reached") == outcome
    assert (names, dialer.dialled) == ([host], [(PUBLIC, 443)])
    assert [asked.headers["host"] for asked in web.asked] == ([host] if outcome == "reached" else [])
