"""Accounts, their keys and tokens, as Twilio's own SDK uses them: each sees what is its own."""

import asyncio
from collections.abc import Callable

from twilio.rest import Client

from dev.simulator.accounts import Account
from dev.simulator.lines import Number, Sender
from dev.simulator.testing import ACCOUNT_SID, AUTH_TOKEN, Running
from tests.simulator.gateway import PERSON
from tests.simulator.twilio import BASE, Twilio, code, refused

Login = Callable[..., Client]
NUMBER = "+15005550011"
SENDERS = "/v2/Channels/Senders"


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


async def test_a_key_does_not_see_subaccounts(sim: Running) -> None:
    """
    The owner's token does.
    """
    made = (await sim.api.post("/sim/accounts", json={"friendly_name": "Branch", "owner": ACCOUNT_SID})).json()
    key = (await sim.api.post("/sim/keys", json={})).json()
    path = f"/2010-04-01/Accounts/{made['account_sid']}/Messages.json"
    assert (await sim.api.get(path, auth=(ACCOUNT_SID, AUTH_TOKEN))).status_code == 200
    assert refused(await sim.api.get(path, auth=(key["user"], key["secret"]))) == (401, 20003)


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
    assert account.secondary_token is None
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
