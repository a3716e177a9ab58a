"""What every account port promises of the provider's copies of messages: the fake as well as Twilio's adapter."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

import pytest

from dev.simulator.testing import ACCOUNT_SID, AUTH_TOKEN
from shared.channels.ports import Account, Credentials, ProviderUnavailable
from shared.ids import AccountSid, ProviderSid
from tests.conformance.provider import SILENCE, Provider, answer, refusal
from tests.conformance.setups import SimulatedSetup, simulated
from tests.fakes.account import FakeAccount

CREDENTIALS = Credentials(AccountSid(ACCOUNT_SID), AUTH_TOKEN)
BARE = "SM" + "a" * 32
WITH_MEDIA = "MM" + "b" * 32


class Provided(Protocol):
    """A provider that keeps messages."""

    @property
    def account(self) -> Account:
        """Return the port."""

    async def keep(self, *, media: bool) -> ProviderSid:
        """Let it keep a message; return its id."""

    def kept(self) -> set[str]:
        """Return the ids of what it keeps."""

    def end(self) -> None:
        """Let it not answer any more."""


@dataclass
class Fake:
    account: FakeAccount

    async def keep(self, *, media: bool) -> ProviderSid:
        sid = ProviderSid(WITH_MEDIA if media else BARE)
        self.account.copies.add(sid)
        return sid

    def kept(self) -> set[str]:
        return set(self.account.copies)

    def end(self) -> None:
        self.account.works = False


@dataclass
class Simulated:
    setup: SimulatedSetup

    @property
    def account(self) -> Account:
        return self.setup.account

    async def keep(self, *, media: bool) -> ProviderSid:
        more = {"media": {"content_type": "image/png"}} if media else {}
        written = await self.setup.sim.api.post("/sim/messages", json={"from": "+15550001", "body": "hello", **more})
        return ProviderSid(written.json()["sid"])

    def kept(self) -> set[str]:
        messages = self.setup.sim.world.messages.values()
        return {sid for it in messages for sid in (it.sid, *(media["sid"] for media in it.media()))}

    def end(self) -> None:
        self.setup.sim.world.trouble = "network_down"


@pytest.fixture(params=["fake", "twilio"])
async def provided(request: pytest.FixtureRequest) -> AsyncIterator[Provided]:
    if request.param == "fake":
        yield Fake(FakeAccount())
        return
    async with simulated() as setup:
        yield Simulated(setup)


@pytest.mark.parametrize("media", [False, True])
async def test_a_copy_goes_with_its_media_and_only_that_one(provided: Provided, *, media: bool) -> None:
    """
    And asking again does no harm.
    """
    gone = await provided.keep(media=media)
    stays = await provided.keep(media=not media)
    for _ in range(2):
        await provided.account.forget(CREDENTIALS, provider_sid=gone)
    kept = provided.kept()
    assert gone not in kept
    assert stays in kept
    assert media or not isinstance(provided, Simulated) or len(kept) == 2  # the other's picture


async def test_a_provider_that_does_not_answer_is_told_of(provided: Provided) -> None:
    """
    Whoever asked tries again later.
    """
    sid = await provided.keep(media=False)
    provided.end()
    with pytest.raises(ProviderUnavailable, match=r"^[a-z_]+$"):
        await provided.account.forget(CREDENTIALS, provider_sid=sid)


@pytest.mark.parametrize("said", [refusal(409, 20009), refusal(401, 20003), answer(500, {}), SILENCE])
async def test_what_twilio_does_not_delete_counts_as_kept(
    account: Account, provider: Provider, said: bytes | str
) -> None:
    """
    A message that it is still working on, too.
    """
    provider.script.append(said)
    with pytest.raises(ProviderUnavailable):
        await account.forget(CREDENTIALS, provider_sid=ProviderSid(BARE))


async def test_media_go_first_and_a_bare_message_costs_one_call(account: Account, provider: Provider) -> None:
    """
    Media would stay behind without the message, and nobody would know of them.
    """
    provider.script += [answer(204)]
    await account.forget(CREDENTIALS, provider_sid=ProviderSid(BARE))
    media = [{"sid": "ME" + "c" * 32}, {"sid": "ME" + "d" * 32}]
    provider.script += [answer(200, {"media_list": media}), answer(204), answer(204), answer(204)]
    await account.forget(CREDENTIALS, provider_sid=ProviderSid(WITH_MEDIA))
    base = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages"
    assert [(it.method, it.path) for it in provider.requests] == [
        ("DELETE", f"{base}/{BARE}.json"),
        ("GET", f"{base}/{WITH_MEDIA}/Media.json"),
        *(("DELETE", f"{base}/{WITH_MEDIA}/Media/{it['sid']}.json") for it in media),
        ("DELETE", f"{base}/{WITH_MEDIA}.json"),
    ]
