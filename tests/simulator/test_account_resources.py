"""The account's resources, as Twilio's own SDK uses them: they keep what they are told, and answer in Twilio's form."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client
from twilio.rest.content.v1.content import ContentList
from twilio.rest.content.v1.content.approval_create import ApprovalCreateList
from twilio.rest.messaging.v2.channels_sender import ChannelsSenderList

from dev.simulator.accounts import Account
from dev.simulator.lines import Hook, Number, Sender
from dev.simulator.testing import ACCOUNT_SID, AUTH_TOKEN, SENDER, Running
from tests.eventually import eventually
from tests.simulator import contract
from tests.simulator.contract import problems
from tests.simulator.gateway import PERSON, PUBLIC_URL, Gateway
from tests.simulator.twilio import BASE, Twilio, refused

Login = Callable[..., Client]
NUMBER = "+15005550011"
SENDERS = "/v2/Channels/Senders"
Update = ChannelsSenderList.MessagingV2ChannelsSenderRequestsUpdate
OURS = f"{PUBLIC_URL}#rc=5&rp=5xx,ct,rt&ct=2000&rt=4000&tt=15000"


@pytest.fixture
def account(sim: Running) -> Account:
    return sim.world.accounts.first


@pytest.fixture
def sender(account: Account) -> Sender:
    line = account.line(SENDER)
    assert isinstance(line, Sender)
    return line


@pytest.fixture
def number(account: Account) -> Number:
    line = account.add(NUMBER, Hook())
    assert isinstance(line, Number)
    return line


async def code(call: Awaitable[object]) -> tuple[int, int]:
    """Return how a call of the SDK was refused."""
    with pytest.raises(TwilioRestException) as caught:
        await call
    return caught.value.status, caught.value.code


async def in_form(twilio: Twilio, path: str, operation: contract.Operation, **query: str) -> None:
    answer = await twilio.get(path, **query)
    assert problems(operation, answer.json()) == []


async def test_the_default_line_is_online_and_reports_to_the_gateway(sdk: Login) -> None:
    """
    As `trunkline up` needs it: nothing has to be set up first.
    """
    [found] = await sdk().messaging.v2.channels_senders.list_async(channel="whatsapp")
    assert (found.sender_id, found.status) == (SENDER, "ONLINE")
    assert found.webhook["callback_url"] == OURS
    assert found.webhook["status_callback_url"] == f"{PUBLIC_URL}/status"


async def test_accounts_and_their_subaccounts_are_listed(sdk: Login, sim: Running) -> None:
    """
    An account sees itself and what it owns, and reads both.
    """
    told = {"friendly_name": "Branch office", "owner": ACCOUNT_SID, "sender": NUMBER}
    made = (await sim.api.post("/sim/accounts", json=told)).json()
    await sim.api.post("/sim/accounts", json={"friendly_name": "Stranger"})
    seen = await sdk().api.accounts.list_async()
    assert [it.friendly_name for it in seen] == ["Trunkline simulator", "Branch office"]
    branch = await sdk().api.accounts(made["account_sid"]).fetch_async()
    assert branch.owner_account_sid == ACCOUNT_SID
    [found] = await sdk().api.accounts(made["account_sid"]).incoming_phone_numbers.list_async()
    assert found.phone_number == NUMBER


async def test_a_subaccount_does_not_see_its_owner(sim: Running, twilio: Twilio) -> None:
    """
    Nor anybody else.
    """
    made = (await sim.api.post("/sim/accounts", json={"friendly_name": "Branch", "owner": ACCOUNT_SID})).json()
    answer = await sim.api.get(f"{BASE}.json", auth=(made["user"], made["secret"]))
    assert refused(answer) == (404, 20404)


async def test_messages_belong_to_one_account(sim: Running, twilio: Twilio) -> None:
    """
    What one wrote another neither lists nor fetches, and its sender sends for nobody else.
    """
    told = {"friendly_name": "Other", "sender": "whatsapp:+15005550099"}
    made = (await sim.api.post("/sim/accounts", json=told)).json()
    login, base = (made["user"], made["secret"]), f"/2010-04-01/Accounts/{made['account_sid']}"
    form = {"To": PERSON, "From": "whatsapp:+15005550099", "Body": "Hi"}
    sent = await sim.api.post(f"{base}/Messages.json", data=form, auth=login)
    assert (sent.status_code, sent.json()["account_sid"]) == (201, made["account_sid"])
    assert await twilio.list() == []
    assert refused(await twilio.get(f"{BASE}/Messages/{sent.json()['sid']}.json")) == (404, 20404)
    assert refused(await twilio.create(From="whatsapp:+15005550099")) == (400, 63007)


async def test_a_standard_key_sends_and_cannot_read_the_account(sim: Running, twilio: Twilio) -> None:
    """
    401 and 20003, as if it were wrong.
    """
    key = (await sim.api.post("/sim/keys", json={})).json()
    login = (key["user"], key["secret"])
    assert key["user"].startswith("SK")
    assert refused(await sim.api.get(f"{BASE}.json", auth=login)) == (401, 20003)
    assert (await sim.api.get(f"{BASE}/Messages.json", auth=login)).status_code == 200


async def test_a_restricted_key_is_refused_what_it_was_not_given(sim: Running) -> None:
    """
    403, not 401: the key is genuine.
    """
    key = (await sim.api.post("/sim/keys", json={"permits": ["messages"]})).json()
    login = (key["user"], key["secret"])
    assert (await sim.api.get(f"{BASE}/Messages.json", auth=login)).status_code == 200
    assert refused(await sim.api.get("/v1/Services", auth=login)) == (403, 20403)
    assert refused(await sim.api.get(f"{BASE}.json", auth=login)) == (401, 20003)


async def test_a_suspended_account_shows_itself_and_does_nothing(account: Account, sdk: Login, twilio: Twilio) -> None:
    """
    Sending is refused as with a wrong token.
    """
    account.status = "suspended"
    assert (await sdk().api.accounts(ACCOUNT_SID).fetch_async()).status == "suspended"
    assert refused(await twilio.create()) == (401, 20003)


async def test_a_promoted_token_ends_the_old_one_at_once(sdk: Login, account: Account, twilio: Twilio) -> None:
    """
    Until then both prove the account, and the primary one signs.
    """
    made = await sdk().accounts.v1.secondary_auth_token().create_async()
    secondary = made.secondary_auth_token
    assert (await sdk(secondary).api.accounts(ACCOUNT_SID).fetch_async()).sid == ACCOUNT_SID
    assert (await sdk().api.accounts(ACCOUNT_SID).fetch_async()).sid == ACCOUNT_SID
    assert account.auth_token == AUTH_TOKEN
    promoted = await sdk(secondary).accounts.v1.auth_token_promotion().update_async()
    assert promoted.auth_token == secondary == account.auth_token
    assert await code(sdk().api.accounts(ACCOUNT_SID).fetch_async()) == (401, 20003)
    assert (await sdk(secondary).api.accounts(ACCOUNT_SID).fetch_async()).sid == ACCOUNT_SID


async def test_without_a_secondary_token_there_is_nothing_to_promote(sdk: Login, account: Account) -> None:
    """
    One that was deleted is none.
    """
    await sdk().accounts.v1.secondary_auth_token().create_async()
    await sdk().accounts.v1.secondary_auth_token().delete_async()
    assert await code(sdk().accounts.v1.auth_token_promotion().update_async()) == (404, 20404)
    assert account.auth_token == AUTH_TOKEN


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


async def test_a_template_is_made_listed_and_deleted(sdk: Login, twilio: Twilio) -> None:
    """
    Its types keep their names, slash and all.
    """
    contents = sdk().content.v1.contents
    told = {
        "friendly_name": "late_reply",
        "language": "en",
        "variables": {"1": "Ann"},
        "types": {"twilio/text": {"body": "Hi {{1}}"}},
    }
    made = await contents.create_async(ContentList.ContentCreateRequest(told))
    assert made.types == {"twilio/text": {"body": "Hi {{1}}"}}
    assert [it.sid for it in await contents.list_async()] == [made.sid]
    await in_form(twilio, "/v1/Content", contract.CONTENT_LIST)
    await in_form(twilio, f"/v1/Content/{made.sid}", contract.CONTENT_FETCH)
    await contents(made.sid).delete_async()
    assert await code(contents(made.sid).fetch_async()) == (404, 20404)


@pytest.mark.parametrize("types", [{}, {"twilio_text": {"body": "Hi"}}, None])
async def test_a_template_without_a_type_is_refused(types: object, twilio: Twilio) -> None:
    """
    The SDK drops a name that it does not know: that must be seen here.
    """
    answer = await twilio.sim.api.post("/v1/Content", json={"language": "en", "types": types}, auth=twilio.auth)
    assert refused(answer) == (400, 20001)


@pytest.mark.parametrize("end", ["approved", "rejected"])
async def test_an_approval_takes_its_time(end: str, sdk: Login, twilio: Twilio) -> None:
    """
    Received, pending, and then its end.
    """
    if end == "rejected":
        await twilio.sim.api.post("/sim/conditions", json={"name": "template_rejected"})
    contents = sdk().content.v1.contents
    told = {"language": "en", "types": {"twilio/text": {"body": "Hi"}}}
    made = await contents.create_async(ContentList.ContentCreateRequest(told))
    ask = ApprovalCreateList.ContentApprovalRequest({"name": "late_reply", "category": "UTILITY"})
    asked = await contents(made.sid).approval_create.create_async(ask)
    assert asked.status == "received"
    statuses = ["received"]

    async def ended() -> bool:
        status = (await contents(made.sid).approval_fetch().fetch_async()).whatsapp["status"]
        if status != statuses[-1]:
            statuses.append(status)
        return bool(status == end)

    await eventually(ended)
    assert statuses == ["received", "pending", end]
    await in_form(twilio, f"/v1/Content/{made.sid}/ApprovalRequests", contract.APPROVAL_FETCH)


async def test_a_name_is_asked_about_once(twilio: Twilio) -> None:
    """
    And written in small letters.
    """
    text = {"language": "en", "types": {"twilio/text": {"body": "Hi"}}}
    paths = []
    for _ in range(2):
        made = await twilio.sim.api.post("/v1/Content", json=text, auth=twilio.auth)
        assert problems(contract.CONTENT_CREATE, made.json()) == []
        paths.append(f"/v1/Content/{made.json()['sid']}/ApprovalRequests/whatsapp")

    async def ask(path: str, name: str) -> Any:
        told = {"name": name, "category": "UTILITY"}
        return await twilio.sim.api.post(path, json=told, auth=twilio.auth)

    first = await ask(paths[0], "late_reply")
    assert (first.status_code, problems(contract.APPROVAL_CREATE, first.json())) == (201, [])
    assert refused(await ask(paths[1], "late_reply")) == (400, 20001)
    assert refused(await ask(paths[1], "Late Reply")) == (400, 20001)


async def test_a_webhook_that_fails_leaves_an_alert(sdk: Login, gateway: Gateway, twilio: Twilio) -> None:
    """
    With its code, the address and what was answered; one that was taken leaves none.
    """
    await twilio.write()
    gateway.script.append(403)
    await twilio.write()
    [alert] = await sdk().monitor.v1.alerts.list_async(log_level="error")
    assert (alert.error_code, alert.request_url) == ("11200", PUBLIC_URL)
    assert "httpResponse=403" in alert.alert_text


async def test_alerts_are_listed_by_time_the_newest_first(sdk: Login, sim: Running) -> None:
    """
    From a time, until a time.
    """
    for name in ("alerts_recent_11200", "alerts_recent_11205"):
        await sim.api.post("/sim/conditions", json={"name": name})
    alerts = sdk().monitor.v1.alerts
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    assert [it.error_code for it in await alerts.list_async(start_date=now - hour)] == ["11205", "11200"]
    assert await alerts.list_async(start_date=now + hour) == []
    assert await alerts.list_async(end_date=now - hour) == []


async def test_nobody_reads_anothers_resources(sim: Running, sender: Sender, number: Number, twilio: Twilio) -> None:
    """
    Not one of them.
    """
    made = (await sim.api.post("/sim/accounts", json={"friendly_name": "Stranger"})).json()
    login = (made["user"], made["secret"])
    service = (await twilio.sim.api.post("/v1/Services", data={"FriendlyName": "Pool"}, auth=twilio.auth)).json()
    text = {"language": "en", "types": {"twilio/text": {"body": "Hi"}}}
    content = (await twilio.sim.api.post("/v1/Content", json=text, auth=twilio.auth)).json()
    paths = [
        f"{BASE}/IncomingPhoneNumbers/{number.sid}.json",
        f"{SENDERS}/{sender.sid}",
        f"/v1/Services/{service['sid']}",
        f"/v1/Content/{content['sid']}",
    ]
    answers = await asyncio.gather(*(sim.api.get(path, auth=login) for path in paths))
    assert [refused(answer) for answer in answers] == [(404, 20404)] * len(paths)
