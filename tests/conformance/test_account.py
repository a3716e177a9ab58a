"""What the account's adapter finds at the simulator, and what it says when it cannot be asked."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from dev.simulator.testing import ACCOUNT_SID, AUTH_TOKEN, SENDER, Running, simulator
from shared.channels.account import open_accounts
from shared.channels.ports import Account, Credentials, ProviderUnavailable, Received
from shared.ids import AccountSid, Address
from tests.conformance.provider import BREAK, Provider, answer

CREDENTIALS = Credentials(AccountSid(ACCOUNT_SID), AUTH_TOKEN)
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
async def sim() -> AsyncIterator[Running]:
    """A simulator whose gateway is down: every message stays at Twilio."""
    async with simulator("http://127.0.0.1:9/webhooks/twilio", NOBODY) as running:
        yield running


async def _received(url: str, since: datetime, credentials: Credentials = CREDENTIALS) -> list[Received]:
    async with open_accounts(url) as accounts:
        account: Account = accounts["twilio/whatsapp"]
        return await account.received(credentials, to=Address(SENDER), since=since)


async def _writes(sim: Running, text: str, *, ago: float = 0, **more: object) -> None:
    await sim.api.post("/sim/messages", json={"from": "+15550001", "body": text, "ago": ago, **more})


async def test_messages_are_found_oldest_first_with_their_times(sim: Running) -> None:
    """
    As a webhook would have brought them, but for name and user id.
    """
    await _writes(sim, "second", ago=60)
    await _writes(sim, "third")
    await _writes(sim, "first", ago=3600)
    found = await _received(sim.url, datetime.now(UTC) - timedelta(hours=2))
    assert [one.message.text for one in found] == ["first", "second", "third"]
    assert 3590 < (datetime.now(UTC) - found[0].at).total_seconds() < 3660
    assert found[0].message.sender == found[0].message.phone == "whatsapp:+15550001"


async def test_older_messages_and_our_own_are_left_out(sim: Running) -> None:
    """
    Twilio filters by day, so the seconds are ours to look at.
    """
    await _writes(sim, "too old", ago=7200)
    await _writes(sim, "a picture", media={"content_type": "image/png"})
    [found] = await _received(sim.url, datetime.now(UTC) - timedelta(hours=1))
    assert (found.message.text, found.message.num_media) == ("a picture", 1)


async def test_a_page_costs_one_call(sim: Running) -> None:
    """
    Sixty messages are listed by one request.
    """
    for number in range(60):
        await _writes(sim, f"{number}")
    assert len(await _received(sim.url, datetime.now(UTC) - timedelta(hours=1))) == 60
    wire = (await sim.api.get("/sim/wire")).json()
    assert len([entry for entry in wire if entry["kind"] == "message.list"]) == 1


async def test_wrong_credentials_are_told_without_content(sim: Running) -> None:
    """
    The error names its kind and nothing else.
    """
    with pytest.raises(ProviderUnavailable, match=r"^[A-Za-z]+$"):
        await _received(sim.url, datetime.now(UTC), Credentials(AccountSid(ACCOUNT_SID), "wrong"))


@pytest.mark.parametrize(
    "said",
    [
        BREAK,
        answer(500, {}),
        answer(200, {"messages": [None]}),
        answer(200, {}),
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno",
    ],
)
async def test_whatever_twilio_says_it_is_understood_or_unavailable(provider: Provider, said: bytes) -> None:
    """
    Half an answer is no answer.
    """
    provider.script.append(said)
    with pytest.raises(ProviderUnavailable):
        await _received(provider.url, datetime.now(UTC))
