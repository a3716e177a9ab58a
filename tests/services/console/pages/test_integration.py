"""Integration: a login is tested as it was typed, stored write-only, and enabled only where it works."""

import re
from pathlib import Path

import pytest

from services.console.pages import findings
from shared.channels import whatsapp_twilio
from shared.channels.line_setup import Connection, ConnectionTest, Finding, Severity, Webhooks
from shared.ids import Address
from shared.store.session import Store
from tests.fakes.account import FakeAccount
from tests.services.console.api.past import Past
from tests.services.console.pages.conftest import ONE, SignedIn, Visitor

SID, TOKEN, NUMBER = "AC" + "7" * 32, "f" * 32, "+39 06 1234 5678"
SENDER = "whatsapp:+390612345678"
HERE = Webhooks(
    "https://gateway.example.org/webhooks/twilio",
    "https://gateway.example.org/webhooks/twilio",
    status_callback_url="https://gateway.example.org/webhooks/twilio/status",
)


@pytest.fixture
async def agent(past: Past) -> str:
    """Of the first company, which has a past and with it a line."""
    return f"ag_{past.x}"


async def admin(signed_in: SignedIn, role: str = "SYSTEM_ADMIN") -> Visitor:
    visitor = await signed_in(role)
    await visitor.get("/channels")
    return visitor


def new(agent: str, **more: str) -> dict[str, str]:
    return {"tenant": ONE, "agent": agent, "account_sid": f" {SID} ", "auth_token": TOKEN, "sender": NUMBER, **more}


@pytest.fixture
async def form(past: Past) -> dict[str, str]:
    """What is typed for a new line."""
    return new(f"ag_{past.x}")


async def saved(store: Store) -> tuple[str, bool] | None:
    """Return the line that was made, and whether it answers."""
    async with store.connection() as connection:
        cursor = await connection.execute("select id, enabled from line where sender = %s", (SENDER,))
        row = await cursor.fetchone()
    return (row["id"], row["enabled"]) if row else None


@pytest.mark.parametrize(
    ("test", "said"),
    [
        (ConnectionTest(Connection.OK, "Acme"), "Connected to “Acme”."),
        (ConnectionTest(Connection.INVALID_CREDENTIALS), "Invalid credentials. Check Account SID and Auth Token."),
        (ConnectionTest(Connection.API_KEY), "Credentials can send. Reading the account name needs the Auth Token."),
        (ConnectionTest(Connection.UNREACHABLE), "Twilio could not be reached. Nothing was changed."),
        (ConnectionTest(Connection.RATE_LIMITED), "Tested too often. Try again in 30 s."),
    ],
    ids=lambda it: getattr(it, "outcome", None),
)
async def test_a_test_says_how_it_ended(
    signed_in: SignedIn, form: dict[str, str], twilio: FakeAccount, test: ConnectionTest, said: str
) -> None:
    """
    In the words of product-ux.md, section 3.1; nothing is stored.
    """
    twilio.connection = test
    visitor = await admin(signed_in)
    answer = await visitor.post("/channels/connection-tests", **form)
    assert said in answer.text
    assert NUMBER.replace(" ", "") not in (await visitor.get(f"/channels?tenant={ONE}")).text


async def test_a_test_shows_what_is_in_order_and_mends_what_is_not(
    signed_in: SignedIn, past: Past, twilio: FakeAccount
) -> None:
    """
    A line that is stored has a button for what a click repairs.
    """
    sender = Address("whatsapp:+14155238886")
    twilio.lines[sender] = Webhooks("https://elsewhere.example.org/")
    visitor = await admin(signed_in)
    line = f"/channels/ln_{past.x}"
    sid = "AC" + past.x.encode().hex().ljust(32, "0")
    answer = await visitor.post(f"{line}/connection-tests", account_sid=sid, sender=sender)
    assert "Found: webhook_elsewhere." in answer.text
    assert f'action="{line}/provisionings"' in answer.text
    await visitor.post(f"{line}/provisionings")
    assert "Webhook points here" in (await visitor.get(f"{line}/checks")).text


async def test_save_and_enable_tests_again_and_stores(
    signed_in: SignedIn, agent: str, store: Store, twilio: FakeAccount
) -> None:
    """
    The number as it is saved; the webhook is set at Twilio at once.
    """
    twilio.lines[Address(SENDER)] = Webhooks(None)
    answer = await (await admin(signed_in)).post("/channels", **new(agent))
    line = await saved(store)
    assert line is not None
    assert line[1]
    assert answer.headers["location"] == f"/channels/{line[0]}/integration?done=enabled"
    assert twilio.lines[Address(SENDER)] == HERE


async def test_what_does_not_work_is_saved_disabled_and_says_so(
    signed_in: SignedIn, agent: str, store: Store, twilio: FakeAccount
) -> None:
    """
    The person may mend the login later.
    """
    twilio.connection = ConnectionTest(Connection.INVALID_CREDENTIALS)
    answer = await (await admin(signed_in)).post("/channels", **new(agent))
    assert "Saved, and not enabled" in answer.text
    assert "Invalid credentials." in answer.text
    line = await saved(store)
    assert line is not None
    assert not line[1]


async def test_a_token_is_never_sent_back(signed_in: SignedIn, agent: str, store: Store) -> None:
    """
    Neither after it was stored nor beside an error; left empty, it stays.
    """
    visitor = await admin(signed_in)
    refused = await visitor.post("/channels/connection-tests", **new(agent, account_sid="AC1"))
    assert refused.status_code == 422
    assert "An Account SID is AC and 32 digits" in refused.text
    await visitor.post("/channels", **new(agent))
    line, _ = await saved(store) or ("", False)
    page = await visitor.get(f"/channels/{line}/integration")
    assert "Stored" in page.text
    assert "by Ada" in page.text
    again = await visitor.post(f"/channels/{line}/connection-tests", account_sid=SID, sender=SENDER, auth_token="")
    assert "Connected to" in again.text
    assert all(TOKEN not in it.text for it in (refused, page, again))


async def test_another_account_needs_its_own_token(signed_in: SignedIn, past: Past) -> None:
    """
    A stored one goes with its own Account SID alone.
    """
    visitor = await admin(signed_in)
    answer = await visitor.post(f"/channels/ln_{past.x}/connection-tests", account_sid=SID, sender=SENDER)
    assert answer.status_code == 422
    assert "Another account needs its own Auth Token." in answer.text


async def test_an_account_of_another_company_is_not_taken(signed_in: SignedIn, agent: str) -> None:
    """
    The platform's own is stored at start.
    """
    answer = await (await admin(signed_in)).post("/channels", **new(agent, account_sid="AC" + "1" * 32))
    assert answer.status_code == 409
    assert "This account is stored already, for another company." in answer.text


async def test_a_companys_admin_stores_and_does_not_enable(signed_in: SignedIn, agent: str, store: Store) -> None:
    """
    That is the platform's (spec.md, section 5), and the page says so.
    """
    visitor = await admin(signed_in, "COMPANY_ADMIN")
    assert "A system admin enables it." in (await visitor.get("/channels/new")).text
    await visitor.post("/channels", **new(agent))
    line = await saved(store)
    assert line is not None
    assert not line[1]
    assert (await visitor.post(f"/channels/{line[0]}/provisionings")).status_code == 404


async def test_the_setup_card_tells_facts(signed_in: SignedIn, agent: str, past: Past, store: Store) -> None:
    """
    What happened on this line, and nothing that was ticked.
    """
    visitor = await admin(signed_in)
    await visitor.post("/channels", **new(agent))
    line, _ = await saved(store) or ("", False)
    page = (await visitor.get(f"/channels/{line}/integration")).text
    assert "Account SID and Auth Token saved" in page
    assert "No signed request seen yet" in page
    page = (await visitor.get(f"/channels/ln_{past.x}/integration")).text
    assert "Signed requests arrive" in page
    assert "A reply was delivered" in page


async def test_bad_signatures_are_a_warning_with_the_likely_cause(
    signed_in: SignedIn, past: Past, twilio: FakeAccount
) -> None:
    """
    As Twilio wrote them down: what strangers forge is not among them.
    """
    twilio.lines[Address("whatsapp:+14155238886")] = HERE
    visitor = await admin(signed_in)
    assert "Bad signatures" not in (await visitor.get(f"/channels/ln_{past.x}/checks")).text
    twilio.findings = [Finding("alerts_recent_403", Severity.WARNING, "3 failed.", "Mend it.")]
    page = (await visitor.get(f"/channels/ln_{past.x}/checks")).text
    assert "Bad signatures in the last hour" in page
    assert "the Auth Token was changed at Twilio and not here, or the public URL" in page


async def test_what_is_not_in_order_is_said_in_the_viewers_language(
    signed_in: SignedIn, past: Past, twilio: FakeAccount
) -> None:
    """
    With what to do about it; one that only its check can put into words stays as it is, marked as English.
    """
    twilio.lines[Address("whatsapp:+14155238886")] = HERE
    twilio.findings = [
        Finding("trial_account", Severity.WARNING, "The account is a trial.", "Upgrade it."),
        Finding("new_and_unknown", Severity.WARNING, "Something new.", "Do this."),
    ]
    visitor = await signed_in("SYSTEM_ADMIN")
    assert "Upgrade it." in (await visitor.get("/channels/ln_one/checks")).text
    visitor.client.cookies.set("language", "it")
    page = (await visitor.get("/channels/ln_one/checks")).text
    assert "È un account di prova" in page
    assert "Upgrade it." not in page
    assert '<span lang="en">Something new.</span>' in page


def test_every_finding_that_is_not_in_order_has_its_words() -> None:
    """
    By the codes that the checks of the channel have. A probe is only looked at over the API.
    """
    sources = Path(whatsapp_twilio.__file__).parent.glob("*.py")
    codes = {code for file in sources for code in re.findall(r'(?:warning|error)\(\s*"([a-z_]+)"', file.read_text())}
    assert len(codes) > 20
    assert {it for it in codes if findings.of(it) is None and not it.startswith("probe_")} == set()
