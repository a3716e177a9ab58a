"""What every account port promises of a line's set-up: the fake as well as Twilio's adapter."""

from collections.abc import AsyncIterator

import pytest

from shared.channels.line_setup import Connection, ConnectionTest, Provisioned, Provisioning, Severity, Webhooks
from shared.ids import Address
from tests.conformance.setups import (
    FRIENDLY_NAME,
    PUBLIC_URL,
    SMS,
    WHATSAPP,
    FakeSetup,
    Setup,
    SimulatedSetup,
    simulated,
)
from tests.fakes.account import FakeAccount

LINES = [pytest.param(WHATSAPP, id="whatsapp"), pytest.param(SMS, id="sms")]


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[SimulatedSetup]:
    async with simulated() as setup:
        yield setup


@pytest.fixture(params=["fake", "twilio"])
async def setup(request: pytest.FixtureRequest, running: SimulatedSetup) -> Setup:
    if request.param == "fake":
        return FakeSetup(FakeAccount())
    await running.sim.world.reset()
    return running


async def _problems(setup: Setup, condition: str, sender: Address = WHATSAPP) -> list[str]:
    credentials, at = setup.spoil(condition, sender)
    found = await setup.account.inspect(credentials, sender=at, wanted=setup.wanted)
    return [one.code for one in found if one.severity is not Severity.OK]


@pytest.mark.parametrize(
    ("condition", "outcome"),
    [
        ("healthy", Connection.OK),
        ("wrong_token", Connection.INVALID_CREDENTIALS),
        ("api_key_only", Connection.API_KEY),
        ("network_down", Connection.UNREACHABLE),
        ("rate_limited", Connection.RATE_LIMITED),
    ],
)
async def test_a_login_ends_in_one_of_five_ways(condition: str, outcome: Connection, setup: Setup) -> None:
    """
    The account's name comes with the first alone, and a broken network is no wrong password.
    """
    credentials, _ = setup.spoil(condition)
    name = FRIENDLY_NAME if outcome is Connection.OK else None
    assert await setup.account.test_connection(credentials) == ConnectionTest(outcome, name)


@pytest.mark.parametrize("sender", LINES)
@pytest.mark.parametrize(
    ("condition", "codes"),
    [
        ("healthy", []),
        ("webhook_elsewhere", ["webhook_elsewhere"]),
        ("sender_missing", ["sender_missing"]),
        ("wrong_token", ["wrong_credentials"]),
        ("api_key_only", ["api_key_only"]),
        ("network_down", ["twilio_unreachable"]),
        ("rate_limited", ["rate_limited"]),
    ],
)
async def test_what_is_wrong_is_found_and_nothing_else(
    condition: str, codes: list[str], sender: Address, setup: Setup
) -> None:
    """
    Each by its stable code.
    """
    assert await _problems(setup, condition, sender) == codes


@pytest.mark.parametrize("condition", ["healthy", "webhook_elsewhere", "network_down"])
async def test_a_finding_says_what_is_and_what_to_do(condition: str, setup: Setup) -> None:
    """
    In sentences; where nothing is wrong, nothing is to be done.
    """
    credentials, sender = setup.spoil(condition)
    for one in await setup.account.inspect(credentials, sender=sender, wanted=setup.wanted):
        assert one.text.endswith(".")
        assert bool(one.remedy) is (one.severity is not Severity.OK)
        assert not (one.fixable and one.severity is Severity.OK)


@pytest.mark.parametrize("sender", LINES)
async def test_what_is_fixable_is_fixed(sender: Address, setup: Setup) -> None:
    """
    A provisioning sets what was wanted, tells what was there, and then nothing is wrong.
    """
    credentials, at = setup.spoil("webhook_elsewhere", sender)
    before = setup.known(at)
    [found] = [
        it
        for it in await setup.account.inspect(credentials, sender=at, wanted=setup.wanted)
        if it.severity is not Severity.OK
    ]
    assert found.fixable
    done = await setup.account.provision(credentials, sender=at, wanted=setup.wanted)
    assert done == Provisioning(Provisioned.CHANGED, before)
    assert setup.known(at) == setup.wanted
    problems = await setup.account.inspect(credentials, sender=at, wanted=setup.wanted)
    assert [it for it in problems if it.severity is not Severity.OK] == []


@pytest.mark.parametrize("sender", LINES)
async def test_a_provisioning_can_be_undone(sender: Address, setup: Setup) -> None:
    """
    By provisioning what was there before, to the letter.
    """
    credentials, at = setup.spoil("webhook_elsewhere", sender)
    before = setup.known(at)
    done = await setup.account.provision(credentials, sender=at, wanted=setup.wanted)
    assert done.previous is not None
    undone = await setup.account.provision(credentials, sender=at, wanted=done.previous)
    assert undone == Provisioning(Provisioned.CHANGED, setup.wanted)
    assert setup.known(at) == before


@pytest.mark.parametrize("sender", LINES)
async def test_what_is_so_already_is_left_alone(sender: Address, setup: Setup) -> None:
    """
    A second provisioning changes nothing, and has nothing to undo.
    """
    credentials, at = setup.spoil("healthy", sender)
    assert await setup.account.provision(credentials, sender=at, wanted=setup.wanted) == Provisioning(
        Provisioned.UNCHANGED
    )


@pytest.mark.parametrize(
    ("condition", "outcome"),
    [
        ("sender_missing", Provisioned.NOT_FOUND),
        ("wrong_token", Provisioned.INVALID_CREDENTIALS),
        ("network_down", Provisioned.UNREACHABLE),
        ("rate_limited", Provisioned.RATE_LIMITED),
    ],
)
async def test_a_provisioning_that_cannot_be_says_why(condition: str, outcome: Provisioned, setup: Setup) -> None:
    """
    Nothing was changed, and nothing is to be undone.
    """
    credentials, sender = setup.spoil(condition)
    done = await setup.account.provision(credentials, sender=sender, wanted=setup.wanted)
    assert (done.outcome, done.previous) == (outcome, None)


def test_a_line_is_set_to_addresses_below_the_public_one(setup: Setup) -> None:
    """
    Its own path for what people write, one for all status callbacks, and another cluster's host for the fallback.
    """
    told = setup.account.webhooks(PUBLIC_URL, line="ln_1", fallback_base="https://other.example.org")
    assert (told.callback_url or "").partition("#")[0] == f"{PUBLIC_URL}/ln_1"
    assert told.status_callback_url == f"{PUBLIC_URL}/status"
    assert (told.fallback_url or "").startswith("https://other.example.org/")
    assert (told.callback_method, told.fallback_method, told.status_callback_method) == ("POST",) * 3
    assert isinstance(told, Webhooks)
