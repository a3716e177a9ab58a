"""Senders, numbers and services, as Twilio's own SDK uses them: they keep what they are told, in Twilio's form."""

from collections.abc import Callable
from typing import Any

import pytest
from twilio.rest import Client
from twilio.rest.messaging.v2.channels_sender import ChannelsSenderList

from dev.simulator.accounts import Account
from dev.simulator.lines import Hook, Number, Sender
from dev.simulator.testing import ACCOUNT_SID, SENDER, Running
from tests.eventually import eventually
from tests.simulator import contract
from tests.simulator.contract import problems
from tests.simulator.gateway import PUBLIC_URL, Gateway
from tests.simulator.twilio import BASE, Twilio, code, in_form, refused

Login = Callable[..., Client]
NUMBER = "+15005550011"
SENDERS = "/v2/Channels/Senders"
Update = ChannelsSenderList.MessagingV2ChannelsSenderRequestsUpdate
OURS = f"{PUBLIC_URL}#rc=5&rp=5xx,ct,rt&ct=2000&rt=4000&tt=15000"


async def test_the_default_line_is_online_and_reports_to_the_gateway(sdk: Login) -> None:
    """
    As `trunkline up` needs it: nothing has to be set up first.
    """
    [found] = await sdk().messaging.v2.channels_senders.list_async(channel="whatsapp")
    assert (found.sender_id, found.status) == (SENDER, "ONLINE")
    assert found.webhook["callback_url"] == OURS
    assert found.webhook["status_callback_url"] == f"{PUBLIC_URL}/status"


async def test_a_sender_is_updated_and_settles_later(sdk: Login, sender: Sender, twilio: Twilio) -> None:
    """
    202 and ONLINE:UPDATING; what was there stands until it is ONLINE again.
    """
    update = Update({"webhook": {"callback_url": "https://new.example.org/in", "callback_method": "PUT"}})
    resource = sdk().messaging.v2.channels_senders(sender.sid)
    accepted = await resource.update_async(update)
    assert (accepted.status, accepted.webhook["callback_url"]) == ("ONLINE:UPDATING", OURS)

    async def settled() -> Any:
        found = await resource.fetch_async()
        return found if found.status == "ONLINE" else None

    webhook = (await eventually(settled)).webhook
    assert (webhook["callback_url"], webhook["callback_method"]) == ("https://new.example.org/in", "PUT")
    assert webhook["fallback_url"] == OURS
    await in_form(twilio, f"{SENDERS}/{sender.sid}", contract.SENDER_FETCH)
    await in_form(twilio, SENDERS, contract.SENDER_LIST, Channel="whatsapp", PageSize="1")


async def test_a_senders_update_must_be_a_document_with_a_known_part(twilio: Twilio, sender: Sender) -> None:
    """
    A form in its place, as the SDK's own async client sends it, is refused, and so are misspelt parts.
    """
    path = f"{SENDERS}/{sender.sid}"
    form = {"webhook": ["callback_url", "callback_method"]}
    bodies: list[dict[str, Any]] = [
        {"data": form},
        {"json": {}},
        {"json": {"webhok": {}}},
        {"json": {"webhook": {"callbackUrl": "https://a.example/"}}},
        {"json": {"webhook": {"callback_url": "a.example"}}},
        {"json": {"webhook": {"callback_method": "GET"}}},
        {"content": b"{", "headers": {"content-type": "application/json"}},
    ]
    answers = [await twilio.sim.api.post(path, auth=twilio.auth, **body) for body in bodies]
    assert [refused(answer) for answer in answers] == [(400, 20001)] * len(bodies)
    assert sender.hook.callback_url == OURS


async def test_an_accepted_update_is_of_twilios_form(twilio: Twilio, sender: Sender) -> None:
    """
    And answered 202.
    """
    told = {"webhook": {"callback_url": "https://new.example.org/in"}}
    answer = await twilio.sim.api.post(f"{SENDERS}/{sender.sid}", json=told, auth=twilio.auth)
    assert answer.status_code == 202
    assert problems(contract.SENDER_UPDATE, answer.json()) == []


async def test_senders_are_listed_by_channel_and_twenty_at_once(sdk: Login, account: Account, twilio: Twilio) -> None:
    """
    Without a channel the list is refused.
    """
    for last in range(24):
        account.add(f"whatsapp:+150055502{last:02}", Hook())
    assert refused(await twilio.get(SENDERS)) == (400, 20001)
    first = (await twilio.get(SENDERS, Channel="whatsapp")).json()
    assert (len(first["senders"]), first["meta"]["page_size"]) == (20, 20)
    assert len(await sdk().messaging.v2.channels_senders.list_async(channel="whatsapp")) == 25


async def test_a_sender_of_another_account_is_not_found(sim: Running, twilio: Twilio) -> None:
    """
    Neither to read nor to change.
    """
    other = sim.world.accounts.add(Account(owner_sid=ACCOUNT_SID)).add("whatsapp:+15005550099", Hook())
    path = f"{SENDERS}/{other.sid}"
    assert refused(await twilio.get(path)) == (404, 20404)
    answer = await twilio.sim.api.post(path, json={"webhook": {}}, auth=twilio.auth)
    assert refused(answer) == (404, 20404)


async def test_what_people_write_goes_where_the_sender_says(
    account: Account, sender: Sender, gateway: Gateway, twilio: Twilio
) -> None:
    """
    To the sender's webhook, unless a service that holds it takes over; to nobody where none is set.
    """
    await twilio.write()
    sender.hook = sender.hook.but(callback_url=f"{gateway.url}/moved")
    await twilio.write()
    service = (await twilio.sim.api.post("/v1/Services", data={"FriendlyName": "Pool"}, auth=twilio.auth)).json()
    await twilio.sim.api.post(
        f"/v1/Services/{service['sid']}/ChannelSenders", data={"Sid": sender.sid}, auth=twilio.auth
    )
    assert (await twilio.write())["attempts"] == 0
    account.services[service["sid"]].inbound_request_url = f"{gateway.url}/service"
    await twilio.write()
    account.services[service["sid"]].use_inbound_webhook_on_number = True
    await twilio.write()
    assert [it.path for it in gateway.messages] == ["/webhooks/twilio", "/moved", "/service", "/moved"]


async def test_a_number_is_listed_fetched_and_updated(sdk: Login, number: Number, twilio: Twilio) -> None:
    """
    With its addresses for SMS; what is not set is an empty word.
    """
    resource = sdk().incoming_phone_numbers
    [found] = await resource.list_async(phone_number=NUMBER)
    assert (found.sid, found.sms_url, found.capabilities["sms"]) == (number.sid, "", True)
    await resource(number.sid).update_async(
        sms_url="https://a.example.org/in",
        sms_method="GET",
        sms_fallback_url="https://b.example.org/in",
        sms_fallback_method="POST",
        status_callback="https://a.example.org/status",
        sms_application_sid="AP" + "1" * 32,
    )
    changed = await resource(number.sid).fetch_async()
    assert (changed.sms_url, changed.sms_method) == ("https://a.example.org/in", "GET")
    assert (changed.sms_fallback_url, changed.sms_fallback_method) == ("https://b.example.org/in", "POST")
    assert (changed.status_callback, changed.sms_application_sid) == (
        "https://a.example.org/status",
        "AP" + "1" * 32,
    )
    await in_form(twilio, f"{BASE}/IncomingPhoneNumbers.json", contract.NUMBER_LIST)
    await in_form(twilio, f"{BASE}/IncomingPhoneNumbers/{number.sid}.json", contract.NUMBER_FETCH)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sms_url": "nowhere"}, 21502),
        ({"sms_method": "PUT"}, 21503),
        ({"sms_fallback_url": "https://b.example.org/"}, 21406),
    ],
)
async def test_a_number_refuses_what_twilio_refuses(
    changes: dict[str, str], expected: int, sdk: Login, number: Number
) -> None:
    """
    A fallback without a first address among it; the number stays as it was.
    """
    assert await code(sdk().incoming_phone_numbers(number.sid).update_async(**changes)) == (400, expected)
    assert number.hook == Hook()


async def test_a_service_holds_senders_and_numbers(sdk: Login, sender: Sender, number: Number, twilio: Twilio) -> None:
    """
    Made, changed, filled, emptied and deleted.
    """
    services = sdk().messaging.v1.services
    made = await services.create_async(friendly_name="Pool", use_inbound_webhook_on_number=True)
    one = services(made.sid)
    await one.channel_senders.create_async(sid=sender.sid)
    await one.phone_numbers.create_async(phone_number_sid=number.sid)
    changed = await one.update_async(
        inbound_request_url="https://a.example.org/in", use_inbound_webhook_on_number=False
    )
    assert (changed.inbound_request_url, changed.use_inbound_webhook_on_number) == ("https://a.example.org/in", False)
    assert [it.sender for it in await one.channel_senders.list_async()] == [SENDER]
    assert [it.phone_number for it in await one.phone_numbers.list_async()] == [NUMBER]
    await in_form(twilio, "/v1/Services", contract.SERVICE_LIST)
    await in_form(twilio, f"/v1/Services/{made.sid}", contract.SERVICE_FETCH)
    await in_form(twilio, f"/v1/Services/{made.sid}/ChannelSenders", contract.SERVICE_SENDERS)
    await one.channel_senders(sender.sid).delete_async()
    assert await one.channel_senders.list_async() == []
    await one.delete_async()
    assert await services.list_async() == []
