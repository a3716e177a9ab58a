"""What is wrong with an account can be ordered by name; and who signs webhooks can be chosen."""

from email.utils import parsedate_to_datetime

import httpx2
import pytest
from twilio.request_validator import RequestValidator

from dev.simulator.conditions import CONDITIONS
from dev.simulator.testing import ACCOUNT_SID, AUTH_TOKEN, SENDER, Running
from shared.channels.ports import Webhook
from shared.channels.whatsapp_twilio.inbound import WhatsAppTwilioInbound
from shared.directory import SigningSecret
from tests.simulator.gateway import PUBLIC_URL, Gateway, Received
from tests.simulator.twilio import BASE, Twilio, refused

LINE = "whatsapp:+15005550010"


async def seed(sim: Running, name: str, **details: str) -> dict[str, str]:
    answer = await sim.api.post("/sim/conditions", json={"name": name, **details})
    assert answer.status_code == 200, answer.text
    told: dict[str, str] = answer.json()
    return told


async def test_every_condition_is_named_and_explained(sim: Running) -> None:
    """
    At least twenty of them.
    """
    told = (await sim.api.get("/sim/conditions")).json()
    assert {*told} == {*CONDITIONS}
    assert len(told) >= 20
    assert all(told.values())


@pytest.mark.parametrize("name", [*CONDITIONS])
async def test_every_condition_can_be_seeded_and_mended(name: str, sim: Running, twilio: Twilio) -> None:
    """
    It says what to try it with; afterwards everything is as at start.
    """
    number = name in {"webhook_method_get", "sms_application_overrides", "number_lacks_sms"}
    told = await seed(sim, name, sender=LINE.removeprefix("whatsapp:") if number else LINE)
    assert {*told} == {"account_sid", "user", "secret", "sender"}
    await sim.api.delete("/sim/conditions")
    assert (await twilio.get(f"{BASE}.json")).json()["status"] == "active"
    [account] = (await sim.api.get("/sim/accounts")).json()
    assert (account["senders"], account["numbers"], account["auth_token"]) == ([SENDER], [], AUTH_TOKEN)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"name": "bad_weather"}, "condition is none of: healthy"),
        ({"name": "healthy", "sender": "nobody"}, "sender"),
        ({"name": "sender_offline", "sender": "+15005550011"}, "needs a WhatsApp sender"),
        ({"name": "number_lacks_sms", "sender": LINE}, "needs a phone number"),
        ({"name": "healthy", "mood": "good"}, "mood"),
    ],
)
async def test_nonsense_is_refused_in_words(asked: dict[str, str], said: str, sim: Running) -> None:
    """
    What would make sense is said.
    """
    answer = await sim.api.post("/sim/conditions", json=asked)
    assert answer.status_code == 400
    assert said in answer.json()["error"]


@pytest.mark.parametrize(("name", "answer"), [("rate_limited", (429, 20429)), ("server_error", (500, 20500))])
async def test_trouble_strikes_every_resource(name: str, answer: tuple[int, int], sim: Running, twilio: Twilio) -> None:
    """
    Until it is mended.
    """
    await seed(sim, name)
    for path in (f"{BASE}.json", f"{BASE}/Messages.json", "/v1/Services"):
        assert refused(await twilio.get(path)) == answer


@pytest.mark.parametrize("name", ["network_down", "network_hang"])
async def test_a_broken_network_gives_no_answer(name: str, sim: Running, twilio: Twilio) -> None:
    """
    Neither quickly nor slowly.
    """
    await seed(sim, name)
    with pytest.raises(httpx2.TransportError):
        await sim.api.get(f"{BASE}.json", auth=twilio.auth, timeout=0.3)


async def test_twilios_clock_can_be_ahead(sim: Running, twilio: Twilio) -> None:
    """
    Answers carry one date, and that is Twilio's.
    """
    before = await twilio.get(f"{BASE}.json")
    await seed(sim, "clock_skew")
    after = await twilio.get(f"{BASE}.json")
    dates = [parsedate_to_datetime(date) for it in (before, after) for date in it.headers.get_list("date")]
    assert len(dates) == 2
    assert 595 < (dates[1] - dates[0]).total_seconds() < 660


def genuine(it: Received, secret: SigningSecret) -> bool:
    """Ask the verifier that ingress uses."""
    headers = {name: (value,) for name, value in it.headers.items()}
    return WhatsAppTwilioInbound(PUBLIC_URL).genuine(Webhook("", "", b"", headers), [*it.form.items()], [secret])


async def test_the_primary_token_signs_and_after_a_promotion_the_new_one(twilio: Twilio, gateway: Gateway) -> None:
    """
    The secondary token does not sign until then; afterwards the old one does not.
    """
    made = await twilio.sim.api.post("/v1/AuthTokens/Secondary", auth=twilio.auth)
    secondary = made.json()["secondary_auth_token"]
    await twilio.write("before")
    await twilio.sim.api.post("/v1/AuthTokens/Promote", auth=twilio.auth)
    await twilio.write("after")
    signers = [
        [RequestValidator(token).validate(PUBLIC_URL, it.form, it.signature) for token in (AUTH_TOKEN, secondary)]
        for it in gateway.messages
    ]
    assert signers == [[True, False], [False, True]]


async def test_a_shared_key_signs_in_place_of_the_token(twilio: Twilio, gateway: Gateway) -> None:
    """
    By SHA-256, named in a header; without one, the token signs again.
    """
    told = (await twilio.sim.api.post("/sim/signing", json={"shared_key": "SK_1"})).json()
    await twilio.write("by the shared key")
    await twilio.sim.api.post("/sim/signing", json={})
    await twilio.write("by the token")
    shared, plain = gateway.messages
    secret = SigningSecret(kind="shared_key", key_id="SK_1", secret=told["secret"])
    assert genuine(shared, secret)
    assert not genuine(shared, SigningSecret(secret=AUTH_TOKEN))
    assert shared.headers["x-twilio-webhooks-signature-settings"] == "key=SK_1,algorithm=HMAC_SHA256"
    assert "x-twilio-webhooks-signature-settings" not in plain.headers
    assert RequestValidator(AUTH_TOKEN).validate(PUBLIC_URL, plain.form, plain.signature)


async def test_what_signs_can_be_told_for_each_account(twilio: Twilio) -> None:
    """
    An account that is not there is refused.
    """
    answer = await twilio.sim.api.post("/sim/signing", json={"account": "AC" + "0" * 32})
    assert answer.status_code == 400
    mine = await twilio.sim.api.post("/sim/signing", json={"account": ACCOUNT_SID, "shared_key": "a", "secret": "b"})
    assert mine.json() == {"shared_key": "a", "secret": "b"}
