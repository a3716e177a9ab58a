"""Webhooks are signed, timed and repeated as Twilio does it."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from dev.embedded import free_port
from dev.simulator.accounts import Account, Accounts
from dev.simulator.faults import Faults
from dev.simulator.settings import SimulatorSettings
from dev.simulator.signer import sign
from dev.simulator.testing import ACCOUNT_SID, AUTH_TOKEN, SENDER
from dev.simulator.webhooks import Delivered, Overrides, Webhooks
from dev.simulator.wire import Wire
from tests.eventually import eventually
from tests.simulator.gateway import HANG, PATH, PERSON, PUBLIC_URL, Gateway
from tests.simulator.twilio import Twilio

text = st.text(st.characters(codec="utf-8"), max_size=12)


def is_genuine(url: str, form: dict[str, str], signature: str | None, token: str = AUTH_TOKEN) -> bool:
    """Ask Twilio's own validator."""
    genuine: bool = RequestValidator(token).validate(url, form, signature)
    return genuine


@dataclass
class Post:
    """Posts one webhook to an address with a fragment."""

    gateway: Gateway
    client: httpx2.AsyncClient

    async def __call__(self, fragment: str, *answers: int | str, port: int | None = None) -> Delivered:
        self.gateway.script.extend(answers)
        ingress = f"http://127.0.0.1:{port}" if port else self.gateway.url
        told = SimulatorSettings(ACCOUNT_SID, AUTH_TOKEN, SENDER, PUBLIC_URL, ingress)
        webhooks = Webhooks(told, Accounts(told), Wire(), Faults(), self.client)
        return await webhooks.post("inbound", PUBLIC_URL + fragment, {"Body": "Hi"}, person=PERSON, sid="SM1")


@pytest.fixture
async def post(gateway: Gateway) -> AsyncIterator[Post]:
    async with httpx2.AsyncClient(trust_env=False) as client:
        yield Post(gateway, client)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.dictionaries(text, text, max_size=8), text.filter(bool))
def test_the_signer_signs_as_twilios_library(form: dict[str, str], token: str) -> None:
    """
    Whatever the form holds.
    """
    assert is_genuine(PUBLIC_URL, form, sign(token, PUBLIC_URL + "#rc=5", form), token)


async def test_a_message_is_signed_over_the_public_address(twilio: Twilio, gateway: Gateway) -> None:
    """
    The one that is configured, without its fragment; it reaches ingress wherever that listens.
    """
    await twilio.write("Grüße 👋🏽 & 1+1=2")
    [received] = gateway.received
    assert received.path == PATH
    assert is_genuine(PUBLIC_URL, received.form, received.signature)
    assert not is_genuine(gateway.url + PATH, received.form, received.signature)


async def test_a_path_below_the_address_is_signed_too(twilio: Twilio, gateway: Gateway) -> None:
    """
    Each line may have an address of its own.
    """
    await twilio.write(path="/ln_other")
    [received] = gateway.received
    assert received.path == f"{PATH}/ln_other"
    assert is_genuine(f"{PUBLIC_URL}/ln_other", received.form, received.signature)


async def test_a_report_is_signed_with_its_query(twilio: Twilio, gateway: Gateway) -> None:
    """
    So that our attempt's id cannot be changed on the way.
    """
    sid = await twilio.created(StatusCallback=f"{PUBLIC_URL}/status?attempt=at_7", attempt="at_1")
    await gateway.until_reported(sid, "sent", "delivered", "read")
    for received in gateway.received:
        assert (received.path, received.attempt) == (f"{PATH}/status", "at_7")
        assert is_genuine(f"{PUBLIC_URL}/status?attempt=at_7", received.form, received.signature)


async def test_a_message_has_the_fields_of_2026(twilio: Twilio, gateway: Gateway) -> None:
    """
    The seventeen that captured requests have, with the sender's number and name.
    """
    ended = await twilio.write("Hi", profile_name="Ann 👋")
    form = gateway.received[0].form
    assert {*form} == {
        *("ExternalUserId", "SmsMessageSid", "NumMedia", "ProfileName", "MessageType", "SmsSid", "WaId", "SmsStatus"),
        *("Body", "To", "NumSegments", "ReferralNumMedia", "MessageSid", "AccountSid", "ChannelMetadata", "From"),
        "ApiVersion",
    }
    assert form["MessageSid"] == form["SmsSid"] == form["SmsMessageSid"] == ended["sid"]
    assert (form["From"], form["To"], form["AccountSid"]) == (PERSON, SENDER, ACCOUNT_SID)
    assert (form["WaId"], form["ProfileName"]) == (PERSON.removeprefix("whatsapp:+"), "Ann 👋")
    assert form["ExternalUserId"].startswith("whatsapp:US.")


async def test_somebody_without_a_number_shows_none(twilio: Twilio, gateway: Gateway) -> None:
    """
    No WaId, and the user id in place of the number.
    """
    await twilio.write(**{"from": "US.13491208655302741918"})
    form = gateway.received[0].form
    assert form["From"] == form["ExternalUserId"] == "whatsapp:US.13491208655302741918"
    assert "WaId" not in form


async def test_a_picture_and_a_place_have_fields_of_their_own(twilio: Twilio, gateway: Gateway) -> None:
    """
    Body stays, though it is empty; other fields can be added.
    """
    await twilio.write("", media={"content_type": "image/webp"}, fields={"Forwarded": "true"})
    await twilio.write("", location={"latitude": 45.5, "longitude": -9, "label": "Home"})
    picture, place = (received.form for received in gateway.received)
    assert (picture["Body"], picture["NumMedia"], picture["MediaContentType0"]) == ("", "1", "image/webp")
    assert picture["MediaUrl0"].endswith(f"/Messages/{picture['MessageSid']}/Media/ME{picture['MessageSid'][2:]}")
    assert picture["Forwarded"] == "true"
    assert (place["Latitude"], place["Longitude"], place["Label"], place["NumMedia"]) == ("45.5", "-9", "Home", "0")


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 503, 301])
async def test_by_default_no_answer_is_asked_for_again(status: int, post: Post) -> None:
    """
    A 5xx loses the message: only a connection that fails is tried once more.
    """
    assert await post("", status) == Delivered(status, 1)


async def test_by_default_silence_is_not_asked_for_again(post: Post) -> None:
    """
    Nor is an answer that does not come in time.
    """
    assert await post("#rt=100", HANG) == Delivered(None, 1)


async def test_by_default_a_connection_that_fails_is_tried_once_more(post: Post) -> None:
    """
    Twice in all.
    """
    assert await post("", port=free_port()) == Delivered(None, 2)


@pytest.mark.parametrize(
    ("fragment", "answers", "attempts"),
    [
        pytest.param("#rc=5&rp=5xx", [500, 503, 200], 3, id="until-it-is-taken"),
        pytest.param("#rc=2&rp=5xx", [500] * 9, 3, id="as-often-as-set"),
        pytest.param("#rc=0&rp=5xx", [500] * 9, 1, id="not-at-all"),
        pytest.param("#rp=5xx", [500] * 9, 2, id="once-where-no-number-is-set"),
        pytest.param("#rc=5&rp=5xx", [500, 403, 200], 2, id="a-4xx-ends-it"),
        pytest.param("#rc=5&rp=4xx", [404, 404, 200], 3, id="unless-it-is-in-the-policy"),
        pytest.param("#rc=5&rp=4xx", [500], 1, id="which-leaves-out-5xx"),
        pytest.param("#rc=5&rp=ct,rt,5xx", [500, 200], 2, id="a-list-of-policies"),
        pytest.param("#rc=5&rp=all", [404, 500, 301, 200], 4, id="all"),
        pytest.param("#rc=5&rp=rt&rt=500", [HANG, HANG, 200], 3, id="silence"),
        pytest.param("#rc=5&rp=ct&rt=100", [HANG], 1, id="silence-is-no-failed-connection"),
    ],
)
async def test_the_fragment_says_what_is_tried_again(
    fragment: str, answers: list[int | str], attempts: int, post: Post
) -> None:
    """
    How often, and after what.
    """
    delivered = await post(fragment, *answers)
    assert delivered.attempts == attempts
    last = answers[attempts - 1]
    assert delivered.status == (None if last == HANG else last)


async def test_a_connection_that_fails_is_tried_as_often_as_set(post: Post) -> None:
    """
    The policy names it `ct`.
    """
    assert await post("#rc=3&rp=ct", port=free_port()) == Delivered(None, 4)
    assert await post("#rc=3&rp=5xx", port=free_port()) == Delivered(None, 1)


async def test_the_total_time_ends_all_attempts(post: Post) -> None:
    """
    The one that runs as well as those that would follow.
    """
    began = time.monotonic()
    delivered = await post("#rc=5&rp=rt&rt=800&tt=1500", *[HANG] * 9)
    assert delivered == Delivered(None, 2)
    assert 1.45 < time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("https://a.example/w", Overrides()),
        ("https://a.example/w#", Overrides()),
        ("https://a.example/w#rc=5&rp=5xx,ct,rt&ct=2000&rt=4000&tt=15000", Overrides(2, 4, 15, 5, frozenset({"5xx", "ct", "rt"}))),
        ("https://a.example/w?rc=5#rt=100", Overrides(read=0.1)),
        ("https://a.example/w#rc=6&ct=99&rt=15001&tt=0", Overrides()),
        ("https://a.example/w#rc=-1&ct=soon&rt=&tt=" + "9" * 5000, Overrides()),
        ("https://a.example/w#e=dublin&sni=y", Overrides()),
    ],
)  # fmt: skip
def test_fragments_are_read_as_twilio_reads_them(url: str, meant: Overrides) -> None:
    """
    What is out of range or no number leaves the default.
    """
    assert Overrides.of(url) == meant


async def test_a_repeated_attempt_is_the_same_request(post: Post) -> None:
    """
    Same form, same signature, same token: the receiver can tell that it is one.
    """
    await post("#rc=2&rp=5xx", 500, 500, 200)
    first, second, third = post.gateway.received
    assert first == second == third
    assert len(first.token) == 32


async def test_duplicates_carry_one_token(twilio: Twilio, gateway: Gateway) -> None:
    """
    A message that is delivered again is the same webhook, and another message is another.
    """
    ended = await twilio.write("once", times=3)
    again = await twilio.write("once", sid=ended["sid"])
    other = await twilio.write("once")
    assert ended["sid"] == again["sid"] != other["sid"]
    sids = [(received.form["MessageSid"], received.token) for received in gateway.received]
    assert sids == [sids[0]] * 4 + [sids[4]]
    assert sids[0][1] != sids[4][1]


async def test_a_duplicate_shows_one_bubble(twilio: Twilio) -> None:
    """
    The phone wrote it once.
    """
    await twilio.write("once", times=3)
    assert len((await twilio.sim.api.get(f"/sim/phones/{PERSON}/messages")).json()) == 1


async def test_the_recommended_address_is_tried_again_after_a_503(twilio: Twilio, gateway: Gateway) -> None:
    """
    As the simulator is configured here.
    """
    gateway.script.extend([503, 503])
    ended = await twilio.write()
    assert (ended["status"], ended["attempts"]) == (200, 3)
    [shown] = (await twilio.sim.api.get(f"/sim/phones/{PERSON}/messages")).json()
    assert (shown["status"], shown["http_status"]) == ("delivered", 200)


@pytest.mark.parametrize("status", [403, 500])
async def test_a_message_that_is_refused_is_requested_at_the_fallback(
    status: int, account: Account, twilio: Twilio, gateway: Gateway
) -> None:
    """
    At once, with what went wrong, signed for the fallback's own address; one that is taken there is delivered.
    """
    sender = account.line(SENDER)
    assert sender is not None
    sender.hook = sender.hook.but(callback_url=PUBLIC_URL, fallback_url=f"{PUBLIC_URL}/second")
    gateway.script.append(status)
    ended = await twilio.write()
    assert (ended["status"], ended["attempts"]) == (status, 1)
    first, second = await gateway.until_received(2)
    assert (second.path, second.form["ErrorUrl"]) == (f"{PATH}/second", PUBLIC_URL)
    assert second.form == first.form | {"ErrorCode": "11200", "ErrorUrl": PUBLIC_URL}
    assert is_genuine(f"{PUBLIC_URL}/second", second.form, second.signature)

    async def is_delivered() -> bool:
        [shown] = (await twilio.sim.api.get(f"/sim/phones/{PERSON}/messages")).json()
        return (shown["status"], shown["http_status"]) == ("delivered", 200)

    await eventually(is_delivered)


async def test_a_redirect_is_followed_by_a_get_without_the_form(post: Post) -> None:
    """
    Once; the address that it leads to is what is signed.
    """
    post.gateway.headers["location"] = f"{post.gateway.url}/elsewhere"
    assert await post("", 302, 200) == Delivered(200, 1)
    first, second = post.gateway.received
    assert (first.method, second.method, second.form) == ("POST", "GET", {})


async def test_an_answer_of_a_type_that_twilio_cannot_read_is_a_failure(
    account: Account, twilio: Twilio, gateway: Gateway
) -> None:
    """
    Though it is a 200: it is written down as 12300, and the fallback is requested.
    """
    gateway.headers["content-type"] = "application/json"
    await twilio.write()
    assert [it.form.get("ErrorCode") for it in await gateway.until_received(2)] == [None, "12300"]
    assert {alert.code for alert in account.alerts} == {12300}


async def test_a_refused_message_is_shown_as_not_delivered(twilio: Twilio, gateway: Gateway) -> None:
    """
    With the status that the gateway answered, at its address and at its fallback.
    """
    gateway.script.extend([403, 403])
    ended = await twilio.write()
    assert (ended["status"], ended["attempts"]) == (403, 1)
    await gateway.until_received(2)
    [shown] = (await twilio.sim.api.get(f"/sim/phones/{PERSON}/messages")).json()
    assert (shown["status"], shown["http_status"]) == ("failed", 403)


async def test_many_webhooks_are_under_way_at_once(twilio: Twilio, gateway: Gateway) -> None:
    """
    One that is slow holds up no other.
    """
    gateway.script.append(HANG)
    slow = asyncio.ensure_future(twilio.write("slow"))
    await gateway.until_received(1)
    assert (await twilio.write("quick"))["status"] == 200
    slow.cancel()
