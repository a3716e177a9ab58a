"""What people sent, fetched from a web server on loopback that stands for Twilio and for where it keeps files."""

from base64 import b64encode

import pytest

from shared.channels.ports import Credentials, MediaUnfetched
from shared.channels.whatsapp_twilio.media import WhatsAppTwilioMedia
from shared.ids import AccountSid
from shared.outbound import Allowed, open_guard
from tests.fakes.web import Asked, FakeResolver, FakeWeb, NotedDialer, reply, web_server
from tests.services.desk import ACCOUNT, media_url, sid

LOGIN = Credentials(AccountSid(ACCOUNT), "a-token", "SK" + "c" * 32)
URL = media_url(sid())
HERE = Allowed.of("127.0.0.1", loopback=True)


async def fetched(web: FakeWeb, url: str = URL, most: int = 1000) -> bytes:
    async with open_guard(HERE, most=most) as guard:
        return await WhatsAppTwilioMedia(guard, web.url, (0, 0, 0)).fetch(LOGIN, url)


def redirect(to: str) -> bytes:
    return reply(status=307, location=to)


async def test_only_the_first_request_carries_the_accounts_credentials() -> None:
    """
    Twilio redirects to where the file lies, which has no business knowing them.
    """

    def answer(asked: Asked) -> bytes:
        return reply(b"\0\xff", content_type="image/png") if "/cdn" in asked.line else redirect("/cdn/1?key=x")

    async with web_server(answer) as web:
        assert await fetched(web) == b"\0\xff"
    first, second = web.asked
    login = b64encode(f"{LOGIN.key_sid}:a-token".encode()).decode()
    assert (first.line, first.headers["authorization"]) == (
        f"GET {URL.removeprefix('https://api.twilio.com')} HTTP/1.1",
        f"Basic {login}",
    )
    assert (second.line, "authorization" in second.headers) == ("GET /cdn/1?key=x HTTP/1.1", False)


async def test_at_most_three_redirects_are_followed() -> None:
    """
    And a loop of them ends.
    """
    async with web_server(lambda _asked: redirect("/again")) as web:
        with pytest.raises(MediaUnfetched, match="unavailable"):
            await fetched(web)
    assert len(web.asked) == 4


@pytest.mark.parametrize("to", ["http://files.example.org/1", "https://10.0.0.1/", "https://inner.example.org/1"])
async def test_a_redirect_leads_to_no_place_that_the_guard_refuses(to: str) -> None:
    """
    Without encryption, by an address, or to a host in somebody's own network.
    """
    resolver, dialer = FakeResolver({"inner.example.org": [["10.0.0.1"]]}), NotedDialer()
    async with web_server(lambda _asked: redirect(to)) as web:
        dialer.port = web.port
        resolver.hosts = {**resolver.hosts, "127.0.0.1": [["127.0.0.1"]]}
        async with open_guard(HERE, resolver=resolver, dialer=dialer) as guard:
            with pytest.raises(MediaUnfetched, match="unavailable"):
                await WhatsAppTwilioMedia(guard, web.url, ()).fetch(LOGIN, URL)
        assert len(web.asked) == 1
        assert len(dialer.dialled) == 1


@pytest.mark.parametrize(
    "url",
    [
        URL.replace("https:", "http:"),
        URL.replace("twilio.com", "twilio.com.example.org"),
        URL.replace("api.twilio.com", "example.org"),
        URL.replace("api.", "u:p@api."),
        URL + "/../../x",
        URL + "?to=x",
    ],
)
async def test_nobody_but_twilio_is_asked(url: str) -> None:
    """
    Whatever a message says.
    """
    async with web_server() as web:
        with pytest.raises(MediaUnfetched, match="gone"):
            await fetched(web, url)
    assert web.asked == []


async def test_what_has_just_come_is_asked_for_again() -> None:
    """
    It may not be there for a moment.
    """
    answers = [reply(status=404), reply(status=404), reply(b"here")]
    async with web_server(lambda _asked: answers.pop(0)) as web:
        assert await fetched(web) == b"here"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply(status=404), "gone"),
        (reply(status=401), "unavailable"),
        (reply(status=500), "unavailable"),
        (reply(b"x" * 1001), "too_large"),
        (None, "unavailable"),
    ],
)
async def test_what_cannot_be_had_says_why(answer: bytes | None, reason: str) -> None:
    """
    And nothing of where it was.
    """
    async with web_server(lambda _asked: answer) as web:
        with pytest.raises(MediaUnfetched) as failed:
            await fetched(web)
    assert str(failed.value) == reason
