"""Provider accounts: secrets go in, count at once, and never come out."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.bus import Bus
from shared.directory import AccountEntry, account_key, open_entry
from shared.store.session import Store
from shared.vault import Vault
from tests.services.console.api.conftest import OTHER, Asker, MakeAsker

SID = "AC" + "5" * 32
TOKEN, NEW = "a-token-of-the-old-kind", "a-token-that-was-promoted"


@pytest.fixture
async def account(admin: Asker) -> dict[str, Any]:
    made = await admin.ask("POST", "accounts", json={"account_sid": SID, "auth_token": f" {TOKEN} "})
    assert made.status_code == 201
    return dict(made.json()) | {"etag": made.headers["etag"]}


async def accepted(bus: Bus, vault: Vault) -> list[str]:
    """Return what ingress takes for this account now, in the order of the directory."""
    key = account_key(SID)
    sealed = await bus.config.get(key)
    entry = open_entry(vault, key, sealed) if sealed else None
    return [one.secret for one in entry.accepted(datetime.now(UTC))] if isinstance(entry, AccountEntry) else []


async def test_an_account_counts_at_ingress_as_soon_as_it_is_made(
    account: dict[str, Any], bus: Bus, vault: Vault
) -> None:
    """
    Its token, trimmed: it was pasted.
    """
    assert await accepted(bus, vault) == [TOKEN]


async def test_no_answer_and_no_audit_line_holds_a_secret(account: dict[str, Any], admin: Asker, store: Store) -> None:
    """
    Only when it was set, by whom, and what tells it from another.
    """
    key = {"sid": "SK" + "6" * 32, "secret": "the-secret-of-the-key"}
    path = f"accounts/{account['id']}"
    changed = await admin.ask(
        "PATCH", path, json={"auth_token": NEW, "api_key": key}, headers={"If-Match": account["etag"]}
    )
    await admin.ask("POST", f"{path}/signing-secrets", json={"secret": "a-further-one"})
    answers = [changed, await admin.ask("GET", path), await admin.ask("GET", f"{path}/signing-secrets")]
    async with store.connection() as connection:
        audit = await (await connection.execute("select * from audit")).fetchall()
    told = json.dumps([answer.json() for answer in answers]) + str(audit)
    for secret in (TOKEN, NEW, key["secret"], "a-further-one"):
        assert secret not in told
    assert changed.json()["token_fingerprint"] != account["token_fingerprint"]
    assert (changed.json()["token_set_by"], changed.json()["api_key_sid"]) == (account["token_set_by"], key["sid"])


async def test_a_replaced_token_signs_a_while_longer(
    account: dict[str, Any], admin: Asker, bus: Bus, vault: Vault
) -> None:
    """
    What Twilio signed before the change, and repeats after it, is still genuine; unless it is told otherwise.
    """
    path = f"accounts/{account['id']}"
    changed = await admin.ask("PATCH", path, json={"auth_token": NEW}, headers={"If-Match": account["etag"]})
    assert await accepted(bus, vault) == [NEW, TOKEN]
    [kept] = (await admin.ask("GET", f"{path}/signing-secrets")).json()["items"]
    left = datetime.fromisoformat(kept["not_after"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    assert (await admin.ask("DELETE", f"{path}/signing-secrets/{kept['id']}")).status_code == 204
    assert await accepted(bus, vault) == [NEW]
    body = {"auth_token": TOKEN, "keep_old_for": 0}
    await admin.ask("PATCH", path, json=body, headers={"If-Match": changed.headers["etag"]})
    assert await accepted(bus, vault) == [TOKEN]


async def test_a_token_can_be_accepted_before_twilio_signs_with_it(
    account: dict[str, Any], admin: Asker, bus: Bus, vault: Vault
) -> None:
    """
    The first step of a rotation (twilio.md, section 2.4); a shared key likewise, under its id.
    """
    path = f"accounts/{account['id']}/signing-secrets"
    assert (await admin.ask("POST", path, json={"secret": NEW})).status_code == 201
    assert await accepted(bus, vault) == [TOKEN, NEW]
    shared_key = {"kind": "shared_key", "key_id": "SHARED1", "secret": "shared"}
    assert (await admin.ask("POST", path, json=shared_key)).json()["key_id"] == "SHARED1"
    for odd in ({"kind": "shared_key", "secret": "x"}, {"key_id": "K", "secret": "x"}):
        assert (await admin.ask("POST", path, json=odd)).status_code == 422


async def test_a_stale_change_keeps_nothing(account: dict[str, Any], admin: Asker, bus: Bus, vault: Vault) -> None:
    """
    Not even the old token as a further secret; and a stale deletion takes none away.
    """
    path = f"accounts/{account['id']}"
    await admin.ask("POST", f"{path}/signing-secrets", json={"secret": NEW})
    stale = {"If-Match": '"99"'}
    assert (await admin.ask("PATCH", path, json={"auth_token": "x"}, headers=stale)).status_code == 412
    assert (await admin.ask("DELETE", path, headers=stale)).status_code == 412
    assert await accepted(bus, vault) == [TOKEN, NEW]


async def test_an_account_is_one_tenants_and_goes_with_its_secrets(
    account: dict[str, Any], admin: Asker, asker: MakeAsker, bus: Bus, vault: Vault
) -> None:
    """
    Another tenant cannot take the same account, nor see it; once deleted, nothing counts any more.
    """
    other = await asker(OTHER)
    again = await other.ask("POST", "accounts", json={"account_sid": SID, "auth_token": TOKEN})
    assert (again.status_code, again.json()["code"]) == (409, "taken")
    path = f"accounts/{account['id']}"
    for method, where in (("GET", path), ("GET", f"{path}/signing-secrets"), ("PATCH", path), ("DELETE", path)):
        body = {"json": {"name": "x"}} if method == "PATCH" else {}
        answer = await other.ask(method, where, headers={"If-Match": account["etag"]}, **body)
        assert answer.status_code == 404
    await admin.ask("POST", f"{path}/signing-secrets", json={"secret": NEW})
    assert (await admin.ask("DELETE", path, headers={"If-Match": account["etag"]})).status_code == 204
    assert await accepted(bus, vault) == []
