"""Each thing that can be wrong at Twilio is found as itself: the adapter before the simulator."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from dev.simulator.accounts import Key
from dev.simulator.alerts import Alert
from dev.simulator.conditions import CONDITIONS
from dev.simulator.lines import Hook, Sender
from shared.channels.line_setup import Connection, Finding, Provisioned, Provisioning, Severity
from shared.channels.ports import Credentials
from shared.ids import AccountSid, Address
from tests.conformance.setups import PUBLIC_URL, SMS, WEBHOOK_URL, WHATSAPP, SimulatedSetup, simulated

NOTHING: set[str] = set()

BOTH: dict[str, set[str]] = {
    "healthy": NOTHING,
    "wrong_token": {"wrong_credentials"},
    "token_promoted": {"wrong_credentials"},
    "account_suspended": {"account_suspended"},
    "account_closed": {"account_closed"},
    "trial_account": {"trial_account"},
    "api_key_only": {"api_key_only"},
    "restricted_key": {"restricted_key"},
    "sender_missing": {"sender_missing"},
    "sender_of_another_account": {"sender_of_another_account"},
    "sandbox_number_in_production": {"sandbox_number"},
    "webhook_missing": {"webhook_missing", "fallback_missing"},
    "webhook_elsewhere": {"webhook_elsewhere"},
    "webhook_without_overrides": {"webhook_without_overrides"},
    "webhook_http_not_https": {"webhook_http"},
    "fallback_missing": {"fallback_missing"},
    "fallback_elsewhere": {"fallback_elsewhere"},
    "status_callback_missing": {"status_callback_missing"},
    "status_callback_elsewhere": {"status_callback_elsewhere"},
    "messaging_service_overrides_inbound": {"messaging_service_overrides_inbound"},
    "messaging_service_drops_inbound": {"messaging_service_drops_inbound"},
    "messaging_service_defers": NOTHING,
    "alerts_recent_11200": {"alerts_recent_11200"},
    "alerts_recent_403": {"alerts_recent_403"},
    "alerts_recent_11205": {"alerts_recent_11205"},
    "alerts_recent_12300": {"alerts_recent_12300"},
    "alerts_recent_14107": {"alerts_recent_14107"},
    "template_rejected": NOTHING,
    "clock_skew": {"clock_skew"},
    "rate_limited": {"rate_limited"},
    "server_error": {"twilio_unreachable"},
    "network_down": {"twilio_unreachable"},
}
SENDERS_ONLY: dict[str, set[str]] = {
    "sender_offline": {"sender_offline"},
    "sender_pending_verification": {"sender_pending_verification"},
    "sender_in_review": {"sender_not_ready"},
    "quality_low": {"quality_low"},
    "webhook_method_put": {"webhook_method"},
    "update_never_settles": {"webhook_elsewhere"},
    "update_refused": {"webhook_elsewhere"},
}
NUMBERS_ONLY: dict[str, set[str]] = {
    "webhook_method_get": {"webhook_method"},
    "sms_application_overrides": {"sms_application_overrides"},
    "number_lacks_sms": {"number_lacks_sms"},
}
SLOW: dict[str, set[str]] = {"network_hang": {"twilio_unreachable"}}
"""Tested where time is counted: test_twilio_account.py."""

FIXABLE = {
    *("webhook_missing", "webhook_elsewhere", "webhook_method", "webhook_http", "webhook_without_overrides"),
    *("fallback_missing", "fallback_elsewhere", "status_callback_missing", "status_callback_elsewhere"),
    "sms_application_overrides",
}


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[SimulatedSetup]:
    async with simulated() as setup:
        yield setup


@pytest.fixture
async def setup(running: SimulatedSetup) -> SimulatedSetup:
    await running.sim.world.reset()
    return running


async def look(setup: SimulatedSetup, condition: str = "healthy", sender: Address = WHATSAPP) -> list[Finding]:
    credentials, at = setup.spoil(condition, sender)
    return await setup.account.inspect(credentials, sender=at, wanted=setup.wanted)


def problems(found: list[Finding]) -> set[str]:
    return {one.code for one in found if one.severity is not Severity.OK}


def test_every_condition_has_its_diagnosis() -> None:
    """
    A condition that is added without one is found here.
    """
    assert {*CONDITIONS} == {*BOTH, *SENDERS_ONLY, *NUMBERS_ONLY, *SLOW}


@pytest.mark.parametrize("condition", [*BOTH, *SENDERS_ONLY])
async def test_what_is_wrong_with_a_sender_is_found_as_itself(condition: str, setup: SimulatedSetup) -> None:
    """
    By its own code, and nothing else is found wrong.
    """
    assert problems(await look(setup, condition)) == (BOTH | SENDERS_ONLY)[condition]


@pytest.mark.parametrize("condition", [*BOTH, *NUMBERS_ONLY])
async def test_what_is_wrong_with_a_number_is_found_as_itself(condition: str, setup: SimulatedSetup) -> None:
    """
    Likewise for SMS.
    """
    assert problems(await look(setup, condition, SMS)) == (BOTH | NUMBERS_ONLY)[condition]


@pytest.mark.parametrize(
    ("condition", "sender"),
    [
        *((it, WHATSAPP) for it in (*BOTH, *SENDERS_ONLY) if not it.startswith("update_")),
        *((it, SMS) for it in (*BOTH, *NUMBERS_ONLY)),
    ],
)
async def test_a_provisioning_repairs_what_says_so_and_no_more(
    condition: str, sender: Address, setup: SimulatedSetup
) -> None:
    """
    What is fixable is gone afterwards; the rest is still found.
    """
    credentials, at = setup.spoil(condition, sender)
    before = await setup.account.inspect(credentials, sender=at, wanted=setup.wanted)
    assert {it.code for it in before if it.fixable} == problems(before) & FIXABLE
    await setup.account.provision(credentials, sender=at, wanted=setup.wanted)
    after = await setup.account.inspect(credentials, sender=at, wanted=setup.wanted)
    assert problems(after) == problems(before) - FIXABLE


@pytest.mark.parametrize("sender", [WHATSAPP, SMS])
async def test_what_is_in_order_is_said_too(sender: Address, setup: SimulatedSetup) -> None:
    """
    A page shows it with a tick.
    """
    assert [it.code for it in await look(setup, "healthy", sender)] == [
        "account_active",
        "sender_online",
        "webhook_here",
        "fallback_here",
        "status_callback_here",
        "no_recent_alerts",
    ]


async def test_a_sender_that_updates_is_online(setup: SimulatedSetup) -> None:
    """
    It works all the while.
    """
    await look(setup)
    line = setup.sim.world.accounts.first.line(WHATSAPP)
    assert isinstance(line, Sender)
    line.status = "ONLINE:UPDATING"
    assert problems(await look(setup)) == NOTHING


async def test_reasons_of_a_sender_that_is_offline_are_told(setup: SimulatedSetup) -> None:
    """
    In Twilio's words, with its code.
    """
    [found] = [it for it in await look(setup, "sender_offline") if it.code == "sender_offline"]
    assert "invitation at Meta" in found.text
    assert "63020" in found.text


async def test_a_restricted_key_is_told_what_it_lacks(setup: SimulatedSetup) -> None:
    """
    What it may read is looked at all the same.
    """
    credentials, at = setup.spoil("webhook_elsewhere")
    key = Key("s" * 32, frozenset({"messages", "senders"}))
    setup.sim.world.accounts.first.keys["SK" + "1" * 32] = key
    login = Credentials(credentials.account_sid, key.secret, "SK" + "1" * 32)
    found = await setup.account.inspect(login, sender=at, wanted=setup.wanted)
    assert problems(found) == {"restricted_key", "webhook_elsewhere"}
    [key_finding] = [it for it in found if it.code == "restricted_key"]
    assert "Messaging Services, alerts" in key_finding.text


async def test_a_key_that_may_not_even_list_messages_proves_nothing(setup: SimulatedSetup) -> None:
    """
    Nothing says that it could send.
    """
    setup.sim.world.accounts.first.keys["SK" + "1" * 32] = Key("s" * 32, frozenset({"content"}))
    login = Credentials(AccountSid(setup.sim.world.accounts.first.sid), "s" * 32, "SK" + "1" * 32)
    assert (await setup.account.test_connection(login)).outcome is Connection.INVALID_CREDENTIALS


async def test_a_service_that_hands_over_to_us_is_no_fault(setup: SimulatedSetup) -> None:
    """
    Its address governs, and it is ours.
    """
    await look(setup, "messaging_service_overrides_inbound")
    [service] = setup.sim.world.accounts.first.services.values()
    service.inbound_request_url = PUBLIC_URL
    assert problems(await look(setup)) == NOTHING


async def test_a_service_without_the_line_governs_nothing(setup: SimulatedSetup) -> None:
    """
    Other lines are none of its business.
    """
    await look(setup, "messaging_service_overrides_inbound", Address("whatsapp:+15005550099"))
    assert problems(await look(setup)) == NOTHING


@pytest.mark.parametrize(
    "alert",
    [
        pytest.param(Alert(11200, "https://somebody.example.org/hooks/twilio", 502), id="somebody-elses"),
        pytest.param(Alert(11200, f"{PUBLIC_URL}-old", 502), id="another-path"),
        pytest.param(Alert(11200, PUBLIC_URL, 502, at=datetime.now(UTC) - timedelta(hours=3)), id="an-old-one"),
    ],
)
async def test_alerts_that_do_not_concern_us_are_left_out(alert: Alert, setup: SimulatedSetup) -> None:
    """
    Of another address, or long over.
    """
    setup.sim.world.accounts.first.alerts.append(alert)
    assert problems(await look(setup)) == NOTHING


async def test_alerts_are_counted_by_kind(setup: SimulatedSetup) -> None:
    """
    Those of status callbacks too.
    """
    alerts = setup.sim.world.accounts.first.alerts
    alerts.extend(
        [Alert(11205, PUBLIC_URL), Alert(11205, f"{PUBLIC_URL}/status?attempt=at_1"), Alert(99999, PUBLIC_URL)]
    )
    found = {it.code: it.text for it in await look(setup) if it.severity is not Severity.OK}
    assert {*found} == {"alerts_recent_11205", "alerts_recent_99999"}
    assert "2 of our webhooks" in found["alerts_recent_11205"]


async def test_an_account_that_is_not_active_is_not_asked_further(setup: SimulatedSetup) -> None:
    """
    Everything else would be refused as if the login were wrong.
    """
    await look(setup, "account_suspended")
    assert [it.kind for it in setup.sim.world.wire.entries] == ["account.fetch"]


async def test_a_line_on_a_later_page_is_found(setup: SimulatedSetup) -> None:
    """
    Twilio lists twenty senders at once.
    """
    for number in range(25):
        setup.sim.world.accounts.first.add(f"whatsapp:+150055502{number:02}", Hook())
    assert problems(await look(setup)) == NOTHING
    assert len([it for it in setup.sim.world.wire.entries if it.kind == "sender.list"]) == 2


@pytest.mark.parametrize("sender", [WHATSAPP, SMS])
async def test_a_line_of_another_account_is_never_touched(sender: Address, setup: SimulatedSetup) -> None:
    """
    Though the login sees the subaccount, and its line points elsewhere.
    """
    credentials, _ = setup.spoil("sender_missing", sender)
    branch = setup.branch(sender, Hook("https://elsewhere.example.org/in"))
    done = await setup.account.provision(credentials, sender=sender, wanted=setup.wanted)
    assert done.outcome is Provisioned.NOT_FOUND
    line = branch.line(sender)
    assert line is not None
    assert line.hook == Hook("https://elsewhere.example.org/in")
    assert setup.writes() == 0


async def test_a_key_of_another_account_changes_nothing(setup: SimulatedSetup) -> None:
    """
    The senders that it lists are its own account's, not those of the account that it was stored for.
    """
    _, at = setup.spoil("webhook_elsewhere")
    branch = setup.branch(SMS, Hook())
    setup.sim.world.accounts.first.keys["SK" + "1" * 32] = Key("s" * 32)
    login = Credentials(AccountSid(branch.sid), "s" * 32, "SK" + "1" * 32)
    before = setup.known(at)
    done = await setup.account.provision(login, sender=at, wanted=setup.wanted)
    assert done == Provisioning(Provisioned.INVALID_CREDENTIALS, code=20003)
    assert setup.known(at) == before


async def test_an_update_that_does_not_settle_is_pending(setup: SimulatedSetup) -> None:
    """
    It was accepted, and can be undone.
    """
    credentials, at = setup.spoil("update_never_settles")
    before = setup.known(at)
    done = await setup.impatient.provision(credentials, sender=at, wanted=setup.wanted)
    assert (done.outcome, done.previous) == (Provisioned.PENDING, before)


async def test_an_update_that_is_refused_says_by_which_code(setup: SimulatedSetup) -> None:
    """
    Twilio's own.
    """
    credentials, at = setup.spoil("update_refused")
    done = await setup.account.provision(credentials, sender=at, wanted=setup.wanted)
    assert (done.outcome, done.code) == (Provisioned.REFUSED, 20001)


async def test_an_application_is_taken_away_and_given_back(setup: SimulatedSetup) -> None:
    """
    It would override every address; an undo restores it.
    """
    credentials, at = setup.spoil("sms_application_overrides", SMS)
    [number] = setup.sim.world.accounts.first.numbers.values()
    application = number.application_sid
    done = await setup.account.provision(credentials, sender=at, wanted=setup.wanted)
    assert number.application_sid is None
    assert done.previous is not None
    await setup.account.provision(credentials, sender=at, wanted=done.previous)
    assert number.application_sid == application


async def test_overrides_are_ours_unless_the_address_brings_its_own(setup: SimulatedSetup) -> None:
    """
    Twilio repeats nothing by default.
    """
    assert setup.account.webhooks(PUBLIC_URL).callback_url == WEBHOOK_URL
    assert setup.account.webhooks(f"{PUBLIC_URL}#rc=1", line="ln_1").callback_url == f"{PUBLIC_URL}/ln_1#rc=1"
    assert setup.account.webhooks(WEBHOOK_URL).status_callback_url == f"{PUBLIC_URL}/status"


async def test_a_stack_on_loopback_needs_no_encryption(setup: SimulatedSetup) -> None:
    """
    What is wanted there is not encrypted either.
    """
    local = setup.account.webhooks("http://127.0.0.1:8080/webhooks/twilio")
    credentials, at = setup.spoil("healthy")
    await setup.account.provision(credentials, sender=at, wanted=local)
    assert problems(await setup.account.inspect(credentials, sender=at, wanted=local)) == NOTHING


async def test_a_key_is_not_asked_for_subaccounts(setup: SimulatedSetup) -> None:
    """
    It may not list them, and would seem to be wrong.
    """
    credentials, at = setup.spoil("sender_missing")
    key = Credentials(credentials.account_sid, "s" * 32, "SK" + "1" * 32)
    setup.sim.world.accounts.first.keys[key.key_sid] = Key(key.secret)
    found = await setup.account.inspect(key, sender=at, wanted=setup.wanted)
    assert problems(found) == {"api_key_only", "sender_missing"}


@pytest.mark.parametrize("condition", ["account_suspended", "account_closed"])
async def test_an_account_that_is_not_active_is_not_provisioned(condition: str, setup: SimulatedSetup) -> None:
    """
    Its login is right all the same.
    """
    credentials, at = setup.spoil(condition)
    done = await setup.account.provision(credentials, sender=at, wanted=setup.wanted)
    assert done == Provisioning(Provisioned.REFUSED)
