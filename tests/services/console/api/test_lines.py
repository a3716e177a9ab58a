"""Lines: who sets what, how soon ingress knows, and what is set up at the provider."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.console.lines import TTL, Lines
from shared.bus import Bus
from shared.channels.line_setup import Connection, ConnectionTest, Webhooks
from shared.channels.whatsapp_twilio.account import WhatsAppTwilioAccount
from shared.directory import LineEntry, line_key, open_entry
from shared.ids import Address
from shared.store.session import Store
from shared.vault import Vault
from tests.fakes.account import FakeAccount
from tests.services.console.api.conftest import ONE, OTHER, Asker, MakeAsker

SID = "AC" + "7" * 32
NUMBER, SENDER = "+1 415 523 8886", Address("whatsapp:+14155238886")
SERVICE = "MG" + "8" * 32
HERE = "https://gateway.example.org/webhooks/twilio"
ELSEWHERE = Webhooks("https://elsewhere.example.org/")


def test_another_cluster_is_called_where_the_webhook_fails() -> None:
    """
    The same path on its host, as is set there; without one, the webhook again.
    """
    nobody: Any = None
    line = {"provider": "twilio", "channel": "whatsapp"}

    def fallback(of: str | None) -> str:
        lines = Lines(nobody, nobody, nobody, {"twilio/whatsapp": WhatsAppTwilioAccount(nobody)}, HERE, of)
        return str(lines.webhooks(line).fallback_url).partition("#")[0]

    assert fallback("https://second.example.org") == "https://second.example.org/webhooks/twilio"
    assert fallback(None) == HERE


@pytest.fixture
async def parts(admin: Asker) -> dict[str, str]:
    """An account and an agent of the first tenant."""
    account = await admin.ask("POST", "accounts", json={"account_sid": SID, "auth_token": "token"})
    agent = await admin.ask("POST", "agents", json={"name": "A", "instructions": "Help."})
    return {"account": account.json()["id"], "agent": agent.json()["id"]}


@pytest.fixture
async def line(platform: Asker, parts: dict[str, str]) -> dict[str, Any]:
    body = parts | {"tenant": ONE, "sender": NUMBER, "enabled": True}
    made = await platform.ask("POST", "lines", json=body)
    assert made.status_code == 201
    return dict(made.json()) | {"etag": made.headers["etag"]}


async def known(bus: Bus, vault: Vault, ours: str = SENDER) -> LineEntry | None:
    """Return a line as ingress knows it."""
    key = line_key(SID, ours)
    sealed = await bus.config.get(key)
    entry = open_entry(vault, key, sealed) if sealed else None
    return entry if isinstance(entry, LineEntry) else None


async def change(asker: Asker, line: dict[str, Any], **wanted: Any) -> Any:
    tag = (await asker.ask("GET", f"lines/{line['id']}")).headers["etag"]
    return await asker.ask("PATCH", f"lines/{line['id']}", json=wanted, headers={"If-Match": tag})


async def test_a_line_says_where_its_webhooks_go(line: dict[str, Any]) -> None:
    """
    With the part that lets Twilio repeat what failed; the number as it is saved.
    """
    assert line["sender"] == SENDER
    assert (line["webhook_url"], line["status_callback_url"]) == (HERE, f"{HERE}/status")
    assert (line["kind"], line["access"], line["long_replies"], line["reply_limit"]) == (
        "dedicated",
        "open",
        "split",
        1500,
    )


async def test_a_change_counts_at_ingress_at_once(
    line: dict[str, Any], platform: Asker, bus: Bus, vault: Vault
) -> None:
    """
    A line that is switched off, and one that moves to another number: the old one is nobody's then.
    """
    assert (entry := await known(bus, vault)) is not None
    assert (entry.line, entry.tenant, entry.enabled) == (line["id"], ONE, True)
    await change(platform, line, enabled=False)
    assert (entry := await known(bus, vault)) is not None
    assert not entry.enabled
    await change(platform, line, sender="+4930123456", messaging_service_sid=SERVICE)
    assert await known(bus, vault) is None
    assert await known(bus, vault, "whatsapp:+4930123456") == await known(bus, vault, SERVICE)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("enabled", False),
        ("access", "paired"),
        ("sender", "+4930123456"),
        ("kind", "shared"),
        ("auto_provision", False),
        ("canary", True),
    ],
)
async def test_what_the_platforms_admin_sets_a_companys_admin_reads(
    line: dict[str, Any], admin: Asker, field: str, value: object
) -> None:
    """
    The rest is the company's own (spec.md, section 5).
    """
    refused = await change(admin, line, **{field: value})
    assert (refused.status_code, refused.json()["code"]) == (403, "set_by_platform")
    assert field in refused.json()["detail"]
    own = {"quiet_ms": 500, "long_replies": "truncate", "media": True, "reply_limit": 1600}
    changed = await change(admin, line, **own)
    assert {name: changed.json()[name] for name in own} == own


async def test_a_company_makes_lines_that_are_off(admin: Asker, parts: dict[str, str]) -> None:
    """
    In an account of its own, for the platform to enable.
    """
    made = await admin.ask("POST", "lines", json=parts | {"sender": NUMBER})
    assert (made.status_code, made.json()["enabled"]) == (201, False)
    refused = await admin.ask("POST", "lines", json=parts | {"sender": "+4930123456", "enabled": True})
    assert (refused.status_code, refused.json()["code"]) == (403, "set_by_platform")


async def test_nobody_makes_a_line_in_another_companys_account(
    asker: MakeAsker, platform: Asker, parts: dict[str, str]
) -> None:
    """
    Nor with another company's agent; the platform may put a company's line into an account of its own.
    """
    other = await asker(OTHER)
    agent = (await other.ask("POST", "agents", json={"name": "A", "instructions": "x"})).json()["id"]
    stolen = await other.ask("POST", "lines", json={"account": parts["account"], "agent": agent, "sender": NUMBER})
    assert (stolen.status_code, stolen.json()["code"]) == (422, "reference_unknown")
    lent = {"tenant": OTHER, "account": parts["account"], "sender": NUMBER}
    wrong = await platform.ask("POST", "lines", json=lent | {"agent": parts["agent"]})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "reference_unknown")
    assert (await platform.ask("POST", "lines", json=lent | {"agent": agent})).json()["tenant"] == OTHER


@pytest.mark.parametrize("sender", ["", "hello", "+12", "whatsapp:US.13491208655302741918", "+1415523888600000"])
async def test_a_number_that_is_none_is_refused(admin: Asker, parts: dict[str, str], sender: str) -> None:
    """
    A line has a phone number, not a person's id.
    """
    answer = await admin.ask("POST", "lines", json=parts | {"sender": sender})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/body/sender")


@pytest.mark.parametrize(
    ("test", "text"),
    [
        (ConnectionTest(Connection.OK, "Acme Ltd"), "Connected to “Acme Ltd”."),
        (ConnectionTest(Connection.INVALID_CREDENTIALS), "Invalid credentials. Check Account SID and Auth Token."),
        (
            ConnectionTest(Connection.API_KEY),
            "Credentials can send. Reading the account name needs the Auth Token.",
        ),
        (ConnectionTest(Connection.UNREACHABLE), "Twilio could not be reached. Nothing was changed."),
        (ConnectionTest(Connection.RATE_LIMITED), "Tested too often. Try again in 30 s."),
    ],
)
async def test_a_connection_test_says_how_it_ended(
    line: dict[str, Any], admin: Asker, twilio: FakeAccount, test: ConnectionTest, text: str
) -> None:
    """
    In the words of product-ux.md, section 3.1: of what is stored, and of what was typed and is stored nowhere.
    """
    twilio.connection = test
    stored = await admin.ask("POST", f"lines/{line['id']}/connection-tests")
    typed = await admin.ask("POST", "connection-tests", json={"account_sid": SID, "auth_token": "typed"})
    assert stored.json() == typed.json()
    assert (stored.json()["outcome"], stored.json()["text"]) == (test.outcome, text)


async def test_a_typed_login_is_a_token_or_a_key(admin: Asker) -> None:
    """
    Not both, and not half a key.
    """
    key = {"api_key_sid": "SK" + "9" * 32, "api_key_secret": "x"}
    for login in ({}, {"auth_token": "x"} | key, {"api_key_sid": key["api_key_sid"]}):
        answer = await admin.ask("POST", "connection-tests", json={"account_sid": SID} | login)
        assert answer.status_code == 422
    assert (await admin.ask("POST", "connection-tests", json={"account_sid": SID} | key)).status_code == 200


async def test_a_line_is_provisioned_and_undone(
    line: dict[str, Any], platform: Asker, admin: Asker, twilio: FakeAccount, store: Store
) -> None:
    """
    What was set before is kept; only the platform's admin does either, and both are on record.
    """
    twilio.lines[SENDER] = ELSEWHERE
    path = f"lines/{line['id']}"
    assert (await admin.ask("POST", f"{path}/provisionings")).status_code == 404
    nothing = await platform.ask("DELETE", f"{path}/provisionings/last")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_undo")
    checked = (await admin.ask("POST", f"{path}/checks")).json()
    assert (checked["good"], [it["code"] for it in checked["findings"] if it["fixable"]]) == (
        False,
        ["webhook_elsewhere"],
    )
    done = await platform.ask("POST", f"{path}/provisionings")
    assert (done.status_code, done.json()) == (201, {"outcome": "changed", "code": None})
    assert twilio.lines[SENDER].callback_url == HERE
    assert (await admin.ask("POST", f"{path}/checks")).json()["good"] is True
    assert (await admin.ask("GET", path)).json()["provisioned"] == "changed"
    await platform.ask("DELETE", f"{path}/provisionings/last")
    assert twilio.lines[SENDER] == ELSEWHERE
    async with store.connection() as connection:
        cursor = await connection.execute("select count(*) as n from audit where action = 'line.provisioned'")
        assert await cursor.fetchone() == {"n": 2}


async def test_the_daily_job_sets_anew_what_is_due_or_has_drifted(
    line: dict[str, Any], platform: Asker, twilio: FakeAccount, store: Store
) -> None:
    """
    After 30 days, or once somebody has changed it at the provider; a line that was switched off is left alone.
    """

    async def run() -> dict[str, int]:
        return dict((await platform.ask("POST", "jobs/provisioning/runs")).json())

    async def age(of: timedelta) -> None:
        async with store.connection() as connection:
            await connection.execute("update line set provisioned_at = %s", (datetime.now(UTC) - of,))

    twilio.lines[SENDER] = ELSEWHERE
    mine = {"lines": 1, "provisioned": 1, "drifted": 0, "failed": 0}
    async with store.connection() as connection:
        await connection.execute("update line set enabled = false where id = 'ln_default'")
    assert await run() == mine
    assert await run() == mine | {"provisioned": 0}
    twilio.lines[SENDER] = ELSEWHERE
    assert await run() == mine | {"drifted": 1}
    await age(TTL - timedelta(hours=1))
    assert await run() == mine | {"provisioned": 0}
    await age(TTL + timedelta(hours=1))
    assert await run() == mine
    await age(TTL + timedelta(hours=1))
    twilio.works = False
    assert await run() == mine | {"provisioned": 0, "failed": 1}
    await change(platform, line, auto_provision=False)
    assert await run() == {"lines": 0, "provisioned": 0, "drifted": 0, "failed": 0}


async def test_another_company_knows_nothing_of_a_line(line: dict[str, Any], asker: MakeAsker) -> None:
    """
    Not to read it, not to test it.
    """
    other, path = await asker(OTHER), f"lines/{line['id']}"
    for method, where in (("GET", path), ("POST", f"{path}/checks"), ("POST", f"{path}/connection-tests")):
        assert (await other.ask(method, where)).status_code == 404
    answer = await other.ask("PATCH", path, json={"name": "x"}, headers={"If-Match": line["etag"]})
    assert answer.status_code == 404
