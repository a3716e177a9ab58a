"""What account work puts on the wire, as whom, and for how long; and how it reads what comes back."""

import base64
import json
import logging
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest
from twilio.http import HttpClient
from twilio.http.response import Response

from shared.channels.line_setup import Connection, ConnectionTest, Provisioned, Webhooks
from shared.channels.ports import Accepted, Credentials
from shared.channels.whatsapp_twilio.account import Limits, WhatsAppTwilioAccount
from shared.channels.whatsapp_twilio.http import TwilioHttp
from shared.channels.whatsapp_twilio.outbound import WhatsAppTwilio
from shared.ids import AccountSid, ProviderSid
from tests.conformance.conftest import CREDENTIALS, SID, TOKEN, sends
from tests.conformance.documents import (
    ACCOUNT,
    KEY,
    NAME,
    NUMBER,
    NUMBERS,
    OK,
    PN,
    SENDER,
    SENDERS,
    WANTED,
    XE,
    account_document,
)
from tests.conformance.provider import BREAK, SILENCE, Provider, answer, refusal


class Recorder(HttpClient):  # type: ignore[misc]  # the SDK is untyped
    """Stands below the adapter where no base is set; each entry of `script` answers one request."""

    def __init__(self, *script: Mapping[str, object]) -> None:
        super().__init__(logging.getLogger("test"), is_async=True)
        self.script = deque(script)
        self.urls: list[str] = []

    async def request(self, method: str, url: str, **_: Any) -> Response:
        self.urls.append(url)
        return Response(200, json.dumps(self.script.popleft()), {})


def proof(provider: Provider, number: int = 0) -> str:
    scheme, _, given = provider.requests[number].headers["authorization"].partition(" ")
    assert scheme == "Basic"
    return base64.b64decode(given).decode()


async def test_a_test_reads_the_account_and_nothing_else(account: WhatsAppTwilioAccount, provider: Provider) -> None:
    """
    One request, as the account.
    """
    provider.script.append(OK)
    assert await account.test_connection(CREDENTIALS) == ConnectionTest(Connection.OK, NAME)
    [request] = provider.requests
    assert (request.method, request.target) == ("GET", f"{ACCOUNT}.json")
    assert proof(provider) == f"{CREDENTIALS.account_sid}:{TOKEN}"


@pytest.mark.parametrize("refused", [refusal(401, 20003), refusal(403, 20403)])
async def test_a_key_that_may_not_read_the_account_lists_one_message(
    refused: bytes, account: WhatsAppTwilioAccount, provider: Provider
) -> None:
    """
    Under its own name, in the account that it was stored for.
    """
    provider.script.extend([refused, answer(200, {"messages": []})])
    assert await account.test_connection(KEY) == ConnectionTest(Connection.API_KEY)
    assert [it.target for it in provider.requests] == [f"{ACCOUNT}.json", f"{ACCOUNT}/Messages.json?PageSize=1"]
    assert {proof(provider, number) for number in (0, 1)} == {f"{KEY.key_sid}:{KEY.secret}"}


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        pytest.param(refusal(401, 20003), Connection.INVALID_CREDENTIALS, id="wrong"),
        pytest.param(refusal(404, 20404), Connection.INVALID_CREDENTIALS, id="not-visible"),
        pytest.param(refusal(403, 20403), Connection.INVALID_CREDENTIALS, id="not-allowed"),
        pytest.param(refusal(429, 20429), Connection.RATE_LIMITED, id="too-often"),
        pytest.param(refusal(500, 20500), Connection.UNREACHABLE, id="server-error"),
        pytest.param(answer(503, "<html>"), Connection.UNREACHABLE, id="a-gateway-between"),
        pytest.param(answer(302, headers={"Location": "/"}), Connection.UNREACHABLE, id="a-redirect"),
        pytest.param(answer(200, "not JSON"), Connection.UNREACHABLE, id="no-json"),
        pytest.param(answer(200, []), Connection.UNREACHABLE, id="no-document"),
        pytest.param(answer(200, {}), Connection.UNREACHABLE, id="no-account"),
        pytest.param(answer(200, account_document(), length=9), Connection.UNREACHABLE, id="half-an-answer"),
        pytest.param(BREAK, Connection.UNREACHABLE, id="a-break"),
        pytest.param(SILENCE, Connection.UNREACHABLE, id="silence"),
        pytest.param(b"HTTP/1.1 nonsense\r\n\r\n", Connection.UNREACHABLE, id="nonsense"),
    ],
)
async def test_only_twilio_itself_calls_a_login_wrong(
    said: bytes | str, outcome: Connection, account: WhatsAppTwilioAccount, provider: Provider
) -> None:
    """
    What a network does, or a server that is not well, says nothing of the login.
    """
    provider.script.append(said)
    assert await account.test_connection(CREDENTIALS) == ConnectionTest(outcome)


async def test_silence_is_waited_for_no_longer_than_the_limit(provider: Provider) -> None:
    """
    Over all requests of a test or an inspection, whatever each of them may take.
    """
    provider.script.extend([SILENCE] * 2)
    began = time.monotonic()
    async with aiohttp.ClientSession() as session:
        account = WhatsAppTwilioAccount(TwilioHttp(session, provider.url), Limits(test=0.3, inspection=0.3, call=20))
        assert await account.test_connection(CREDENTIALS) == ConnectionTest(Connection.UNREACHABLE)
        found = await account.inspect(CREDENTIALS, sender=SENDER, wanted=WANTED)
    assert [it.code for it in found] == ["twilio_unreachable"]
    assert time.monotonic() - began < 10


def test_a_test_takes_ten_seconds_at_most() -> None:
    """
    Somebody looks at the page meanwhile.
    """
    assert Limits().test <= 10


@pytest.mark.parametrize(
    "credentials",
    [
        pytest.param(Credentials(CREDENTIALS.account_sid, ""), id="no-token"),
        pytest.param(Credentials(AccountSid(""), TOKEN), id="no-account"),
        pytest.param(Credentials(AccountSid("AC" + "a" * 31), TOKEN), id="too-short"),
        pytest.param(Credentials(AccountSid(f"AC{'a' * 32}/../AC{'b' * 32}"), TOKEN), id="a-path"),
        pytest.param(Credentials(AccountSid("AC" + "a" * 32 + "\n"), TOKEN), id="a-break-behind"),
        pytest.param(Credentials(CREDENTIALS.account_sid, TOKEN, "SK:1"), id="a-key-of-another-form"),
    ],
)
async def test_a_login_that_cannot_be_one_is_not_tried(
    credentials: Credentials,
    account: WhatsAppTwilioAccount,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    Nor does it become that of the process's environment.
    """
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "e" * 32)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "e" * 32)
    assert await account.test_connection(credentials) == ConnectionTest(Connection.INVALID_CREDENTIALS)
    assert [it.code for it in await account.inspect(credentials, sender=SENDER, wanted=WANTED)] == ["wrong_credentials"]
    done = await account.provision(credentials, sender=SENDER, wanted=WANTED)
    assert done.outcome is Provisioned.INVALID_CREDENTIALS
    assert provider.requests == []


async def test_without_a_base_twilios_own_hosts_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Those of the United States, whatever the environment names; and a page that names another host is asked of the same.
    """
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    page = {**SENDERS, "senders": [], "meta": {"next_page_url": "http://evil.example/v2/Channels/Senders?Page=1"}}
    recorder = Recorder(account_document(), page, SENDERS, {"services": [], "meta": {}}, {"alerts": [], "meta": {}})
    await WhatsAppTwilioAccount(recorder).inspect(CREDENTIALS, sender=SENDER, wanted=WANTED)
    assert recorder.urls == [
        f"https://api.twilio.com{ACCOUNT}.json",
        "https://messaging.twilio.com/v2/Channels/Senders",
        "https://messaging.twilio.com/v2/Channels/Senders?Page=1",
        "https://messaging.twilio.com/v1/Services",
        "https://monitor.twilio.com/v1/Alerts",
    ]


async def test_a_list_without_an_end_is_left(account: WhatsAppTwilioAccount, provider: Provider) -> None:
    """
    A page that names itself as the next one is not read for ever.
    """
    page = answer(200, {"senders": [], "meta": {"next_page_url": "https://messaging.twilio.com/v2/Channels/Senders"}})
    provider.script.extend([OK, *[page] * 100])
    done = await account.provision(CREDENTIALS, sender=SENDER, wanted=WANTED)
    assert done.outcome is Provisioned.NOT_FOUND
    assert len(provider.requests) < 100


async def test_a_senders_update_is_one_whole_document(account: WhatsAppTwilioAccount, provider: Provider) -> None:
    """
    As JSON, with every part of the webhook: what is left out would stay as it was.
    """
    provider.script.extend([OK, answer(200, SENDERS), answer(202, {})])
    await account.provision(CREDENTIALS, sender=SENDER, wanted=WANTED)
    request = provider.requests[2]
    assert (request.method, request.target) == ("POST", f"/v2/Channels/Senders/{XE}")
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {
        "webhook": {
            "callback_url": WANTED.callback_url,
            "callback_method": "POST",
            "fallback_url": WANTED.fallback_url,
            "fallback_method": "POST",
            "status_callback_url": WANTED.status_callback_url,
            "status_callback_method": "POST",
        }
    }


async def test_a_numbers_update_is_one_whole_form(account: WhatsAppTwilioAccount, provider: Provider) -> None:
    """
    Applications included: one would override the rest.
    """
    provider.script.extend([OK, answer(200, NUMBERS), answer(200, {})])
    await account.provision(CREDENTIALS, sender=NUMBER, wanted=WANTED)
    request = provider.requests[2]
    assert provider.requests[1].query == {"PhoneNumber": NUMBER}
    assert (request.method, request.target) == ("POST", f"{ACCOUNT}/IncomingPhoneNumbers/{PN}.json")
    assert request.form == {
        "SmsUrl": WANTED.callback_url,
        "SmsMethod": "POST",
        "SmsFallbackUrl": WANTED.fallback_url,
        "SmsFallbackMethod": "POST",
        "StatusCallback": WANTED.status_callback_url,
        "StatusCallbackMethod": "POST",
        "SmsApplicationSid": "",
    }


async def test_a_number_listed_for_somebody_else_is_not_touched(
    account: WhatsAppTwilioAccount, provider: Provider
) -> None:
    """
    The record itself says whose it is.
    """
    foreign = [{"sid": PN, "account_sid": "AC" + "b" * 32, "phone_number": NUMBER}]
    provider.script.extend([OK, answer(200, {**NUMBERS, "incoming_phone_numbers": foreign})])
    done = await account.provision(CREDENTIALS, sender=NUMBER, wanted=WANTED)
    assert done.outcome is Provisioned.NOT_FOUND
    assert len(provider.requests) == 2


async def test_a_change_whose_answer_is_lost_can_be_undone(account: WhatsAppTwilioAccount, provider: Provider) -> None:
    """
    It may have been made: what was there before is told.
    """
    provider.script.extend([OK, answer(200, SENDERS), BREAK])
    done = await account.provision(CREDENTIALS, sender=SENDER, wanted=WANTED)
    assert (done.outcome, done.previous) == (Provisioned.UNREACHABLE, Webhooks("https://old.example/"))


async def test_a_change_that_was_accepted_is_pending_whatever_the_looks_say(
    account: WhatsAppTwilioAccount, provider: Provider
) -> None:
    """
    A look that fails is no failure of the change.
    """
    provider.script.extend([OK, answer(200, SENDERS), answer(202, {}), refusal(429, 20429)])
    done = await account.provision(CREDENTIALS, sender=SENDER, wanted=WANTED)
    assert done.outcome is Provisioned.PENDING


async def test_a_send_with_a_key_logs_in_by_its_name(provider: Provider) -> None:
    """
    And sends from the account that it was stored for; the typing dots, too.
    """
    provider.script.extend([answer(201, {"sid": SID}), answer(200, {"success": True})])
    async with aiohttp.ClientSession() as session:
        channel = WhatsAppTwilio(TwilioHttp(session, provider.url), "https://a.example/in")
        assert isinstance(await sends(channel, credentials=KEY), Accepted)
        assert await channel.typing(KEY, provider_sid=ProviderSid(SID))
    assert provider.requests[0].path == f"{ACCOUNT}/Messages.json"
    assert {proof(provider, number) for number in (0, 1)} == {f"{KEY.key_sid}:{KEY.secret}"}


async def test_a_change_is_made_when_the_sender_is_online_again(
    account: WhatsAppTwilioAccount, provider: Provider
) -> None:
    """
    What is shown while it updates may be the new address already, and still fail.
    """
    webhook = {"callback_url": "https://new.example/"}
    shown = {"sid": XE, "sender_id": SENDER, "status": "ONLINE:UPDATING", "webhook": webhook}
    for status, outcome in (("ONLINE:UPDATING", Provisioned.PENDING), ("ONLINE", Provisioned.CHANGED)):
        provider.script.extend([OK, answer(200, SENDERS), answer(202, shown), answer(200, shown | {"status": status})])
        done = await account.provision(CREDENTIALS, sender=SENDER, wanted=Webhooks("https://new.example/"))
        assert done.outcome is outcome
        provider.script.clear()


async def test_a_sender_has_no_application(account: WhatsAppTwilioAccount, provider: Provider) -> None:
    """
    What was kept of a number does not differ in that from what a sender can be set to.
    """
    provider.script.extend([OK, answer(200, SENDERS)])
    wanted = Webhooks("https://old.example/", application_sid="AP" + "1" * 32)
    done = await account.provision(CREDENTIALS, sender=SENDER, wanted=wanted)
    assert done.outcome is Provisioned.UNCHANGED


async def test_a_longer_number_is_another_one(account: WhatsAppTwilioAccount, provider: Provider) -> None:
    """
    Twilio lists whatever holds the digits that were asked for.
    """
    longer = {"sid": PN, "account_sid": CREDENTIALS.account_sid, "phone_number": NUMBER + "9"}
    provider.script.extend([OK, answer(200, {"incoming_phone_numbers": [longer]})])
    done = await account.provision(CREDENTIALS, sender=NUMBER, wanted=WANTED)
    assert done.outcome is Provisioned.NOT_FOUND


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (refusal(500, 20500), "twilio_unreachable"),
        (refusal(401, 20003), "wrong_credentials"),
        (refusal(429, 20429), "rate_limited"),
        (refusal(400, 20001), "twilio_refused"),
    ],
)
async def test_what_ends_an_inspection_midway_is_its_one_finding(
    said: bytes, code: str, account: WhatsAppTwilioAccount, provider: Provider
) -> None:
    """
    Half a look would show ticks that mean nothing.
    """
    provider.script.extend([OK, said])
    found = await account.inspect(CREDENTIALS, sender=SENDER, wanted=WANTED)
    assert [it.code for it in found] == [code]
    assert provider.script == deque()
