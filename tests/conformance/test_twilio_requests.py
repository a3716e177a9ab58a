"""What the adapter puts on the wire: to whom, as whom, in which form; and what it tells nobody else."""

import base64
import logging
import traceback
from typing import Any

import aiohttp
import pytest
from twilio.http import HttpClient
from twilio.http.response import Response

from shared.channels.ports import Accepted, Credentials, Refused
from shared.channels.whatsapp_twilio import codes
from shared.channels.whatsapp_twilio.http import CONNECT_LIMIT, TOTAL_LIMIT, TwilioHttp
from shared.channels.whatsapp_twilio.outbound import WhatsAppTwilio, open_outbound
from shared.ids import AccountSid, ProviderSid
from tests.conformance.conftest import CREDENTIALS, PERSON, SENDER, SID, TOKEN, WEBHOOK_URL, OpenChannel, sends
from tests.conformance.provider import BREAK, SILENCE, Provider, answer, refusal
from tests.conformance.test_twilio_lists import finds
from tests.simulator.contract import API, document

MESSAGES = f"/2010-04-01/Accounts/{CREDENTIALS.account_sid}/Messages.json"
ELSEWHERE = {"Location": "/"}
OK = answer(201, {"sid": SID})
TEXT = "Grüße 👋🏽\n\n1+1=2 & 50% = ?; *bold*  "


class Recorder(HttpClient):  # type: ignore[misc]  # the SDK is untyped
    """Stands below the SDK, and keeps the address that it was asked for."""

    def __init__(self) -> None:
        super().__init__(logging.getLogger("test"), is_async=True)
        self.urls: list[str] = []

    async def request(self, method: str, url: str, **_: Any) -> Response:
        self.urls.append(url)
        return Response(201, '{"sid": "' + SID + '"}')


async def test_a_send_is_one_form(channel: WhatsAppTwilio, provider: Provider) -> None:
    """
    These five fields and no other; the text arrives as it was given.
    """
    provider.script.append(OK)
    await sends(channel, TEXT)
    [request] = provider.requests
    assert (request.method, request.target) == ("POST", MESSAGES)
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.form == {
        "To": PERSON,
        "From": SENDER,
        "Body": TEXT,
        "StatusCallback": "https://gateway.example.org/api/webhooks/twilio/status?attempt=at_1",
        "ValidityPeriod": "900",
    }
    known = document(API)["components"]["schemas"] | {
        "form": document(API)["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["post"]["requestBody"]
    }
    fields = known["form"]["content"]["application/x-www-form-urlencoded"]["schema"]["properties"]
    assert {*request.form} <= {*fields}


async def test_a_send_proves_its_own_account(channel: WhatsAppTwilio, provider: Provider) -> None:
    """
    Two tenants share the connection, and never their credentials.
    """
    other = Credentials(AccountSid("AC" + "d" * 32), "geheim-ß-👋")
    provider.script.extend([OK] * 3)
    for credentials in (CREDENTIALS, other, CREDENTIALS):
        await sends(channel, credentials=credentials)
    for request, credentials in zip(provider.requests, (CREDENTIALS, other, CREDENTIALS), strict=True):
        scheme, _, proof = request.headers["authorization"].partition(" ")
        assert (scheme, base64.b64decode(proof).decode()) == (
            "Basic",
            f"{credentials.account_sid}:{credentials.secret}",
        )
        assert credentials.account_sid in request.path


@pytest.mark.parametrize(
    ("configured", "callback"),
    [
        ("https://a.example/webhooks/twilio", "https://a.example/webhooks/twilio/status"),
        ("https://a.example:8443/w#rc=5&rp=5xx", "https://a.example:8443/w/status"),
        ("https://a.example/w?x=1", "https://a.example/w/status"),
        ("http://127.0.0.1:8080/w", "http://127.0.0.1:8080/w/status"),
    ],
)
async def test_reports_come_to_our_public_address(configured: str, callback: str, provider: Provider) -> None:
    """
    Below the webhook's, without its fragment and query, and with the attempt's id.
    """
    provider.script.append(OK)
    async with open_outbound(configured, provider.url) as channel:
        await sends(channel)
    assert provider.requests[0].form["StatusCallback"] == f"{callback}?attempt=at_1"


async def test_without_a_base_the_request_goes_to_twilio(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    To the host of the United States, whatever region and edge the process's environment names.
    """
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    recorder = Recorder()
    assert isinstance(await sends(WhatsAppTwilio(recorder, WEBHOOK_URL)), Accepted)
    assert recorder.urls == [f"https://api.twilio.com{MESSAGES}"]


@pytest.mark.parametrize(
    "credentials",
    [
        Credentials(CREDENTIALS.account_sid, ""),
        Credentials(AccountSid(""), TOKEN),
        Credentials(AccountSid(""), ""),
    ],
)
async def test_empty_credentials_do_not_become_somebody_elses(
    credentials: Credentials, channel: WhatsAppTwilio, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The SDK would take the process's: nothing is sent, nothing is asked, and it is known that nothing was.
    """
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "e" * 32)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "e" * 32)
    assert await sends(channel, credentials=credentials) == Refused(codes.BAD_CREDENTIALS, None, None)
    assert await finds(channel, credentials=credentials) is None
    assert await channel.typing(credentials, provider_sid=ProviderSid(SID)) is False
    assert provider.requests == []


async def test_the_environments_account_is_never_used(
    channel: WhatsAppTwilio, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Credentials come with each call.
    """
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "e" * 32)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "e" * 32)
    provider.script.append(OK)
    await sends(channel)
    assert provider.requests[0].path == MESSAGES
    proof = base64.b64decode(provider.requests[0].headers["authorization"].removeprefix("Basic ")).decode()
    assert proof == f"{CREDENTIALS.account_sid}:{TOKEN}"


async def test_proxies_of_the_environment_are_not_asked(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Nor is a netrc file: what is sent goes where it was configured to go.
    """
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")
    provider.script.append(OK)
    async with open_outbound(WEBHOOK_URL, provider.url) as channel:
        assert isinstance(await sends(channel), Accepted)
    assert provider.requests[0].target == MESSAGES


async def test_cookies_are_not_kept(provider: Provider) -> None:
    """
    One tenant's session must not follow another.
    """
    provider.script.extend([answer(201, {"sid": SID}, headers={"Set-Cookie": "session=1; Path=/"}), OK])
    async with open_outbound(WEBHOOK_URL, provider.url) as channel:
        await sends(channel)
        await sends(channel)
    assert "cookie" not in provider.requests[1].headers


async def test_json_goes_as_json(provider: Provider) -> None:
    """
    The SDK's own client would write a form into it.
    """
    provider.script.append(answer(202, {}))
    async with aiohttp.ClientSession() as session:
        http = TwilioHttp(session, provider.url)
        url = "https://messaging.twilio.com/v2/Channels/Senders/XE1"
        headers = {"Content-Type": "application/json"}
        said = await http.request("POST", url, data={"webhook": {"callback_url": "é"}}, headers=headers)
    [request] = provider.requests
    assert said.status_code == 202
    assert (request.path, request.headers["content-type"]) == ("/v2/Channels/Senders/XE1", "application/json")
    assert request.body == '{"webhook":{"callback_url":"é"}}'.encode()
    assert headers == {"Content-Type": "application/json"}


async def test_a_list_is_one_field_repeated(provider: Provider) -> None:
    """
    As Twilio reads several media.
    """
    provider.script.append(OK)
    async with aiohttp.ClientSession() as session:
        data = {"MediaUrl": ["https://a.example/1", "https://a.example/2"], "Body": ""}
        await TwilioHttp(session, provider.url).request("POST", "https://api.twilio.com/x", data=data)
    assert provider.requests[0].body == b"MediaUrl=https://a.example/1&MediaUrl=https://a.example/2&Body=".replace(
        b":", b"%3A"
    ).replace(b"/", b"%2F")


def test_the_limits_are_twilios() -> None:
    """
    Its side may take 26 s: who gives up sooner only makes doubtful sends.
    """
    assert (CONNECT_LIMIT, TOTAL_LIMIT) == (5, 30)


async def test_nothing_personal_is_said_by_the_way(
    open_channel: OpenChannel, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    """
    No number, text or token in any log record of any library, nor in what the calls return; at every level.
    """
    caplog.set_level(1)
    logging.getLogger("twilio").setLevel(1)
    channel = open_channel(total_limit=0.2)
    answers: list[bytes | str] = [OK, refusal(400, 21211), refusal(500, 20500), answer(201, b"{")]
    answers += [BREAK, SILENCE, answer(302, headers=ELSEWHERE), b"HTTP/1.1 nonsense\r\n\r\n"]
    said: list[object] = [CREDENTIALS, channel]
    for told in answers:
        provider.script.extend([told] * 9)
        said += [await sends(channel, "my secret is 4711"), await finds(channel)]
        said += [await channel.typing(CREDENTIALS, provider_sid=ProviderSid(SID))]
        provider.script.clear()
    records = [f"{it.getMessage()} {it.args} {it.exc_info} {it.exc_text}" for it in caplog.records]
    everything = "\n".join(map(repr, said)) + "\n".join(records)
    assert [word for word in ("5550001234", "4155238886", "4711", TOKEN) if word in everything] == []
    logging.getLogger("twilio").setLevel(logging.NOTSET)


@pytest.mark.parametrize("told", [BREAK, SILENCE, b"HTTP/1.1 nonsense\r\n\r\n"])
async def test_what_the_client_raises_names_nobody(told: bytes | str, provider: Provider) -> None:
    """
    Its errors and their causes, printed whole, may end up in a log.
    """
    provider.script.append(told)
    async with aiohttp.ClientSession() as session:
        http = TwilioHttp(session, provider.url, total_limit=0.2)
        form = {"To": PERSON, "Body": TEXT}
        auth = (CREDENTIALS.account_sid, TOKEN)
        with pytest.raises((aiohttp.ClientError, TimeoutError)) as error:
            await http.request("POST", f"https://api.twilio.com{MESSAGES}", {"To": PERSON}, form, auth=auth)
    raised = "".join(traceback.format_exception(error.value))
    assert [word for word in ("5550001234", TEXT, TOKEN) if word in raised] == []


@pytest.mark.parametrize("base", [None, "https://api.twilio.com", "https://api.twilio.com/"])
async def test_twilio_itself_as_a_base_leaves_each_interface_at_its_host(base: str | None) -> None:
    """
    Senders and typing are not at the host of messages.
    """
    url = "https://messaging.twilio.com/v2/Channels/Senders"
    async with aiohttp.ClientSession() as session:
        assert TwilioHttp(session, base)._rewritten(url) == url
        assert TwilioHttp(session, "http://127.0.0.1:1")._rewritten(url) == "http://127.0.0.1:1/v2/Channels/Senders"
