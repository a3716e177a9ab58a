"""What every channel that sends keeps: the same promises by the fake and by WhatsApp through Twilio."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from dev.simulator.testing import ACCOUNT_SID, AUTH_TOKEN, SENDER, Running, simulator
from shared.channels.outbound import open_channels
from shared.channels.ports import Accepted, Credentials, Listed, Outbound, Outcome, Refused, Unknown
from shared.channels.whatsapp_twilio import codes
from shared.ids import AccountSid, Address, AttemptId, ProviderSid, new_id
from tests.fakes.channel import FakeChannel
from tests.simulator.gateway import PATH, Gateway, serving

OURS = Address(SENDER)
ANN, BEN = Address("whatsapp:+15550001234"), Address("whatsapp:US.13491208655302741918")
CREDENTIALS = Credentials(AccountSid(ACCOUNT_SID), AUTH_TOKEN)


class Bench(Protocol):
    """A channel, and ways to make its provider fail."""

    @property
    def channel(self) -> Outbound: ...

    async def refuses(self, code: int) -> None: ...

    async def throttles(self) -> None: ...

    async def answers_nothing(self, *, taken: bool) -> None: ...

    async def does_not_list(self) -> None: ...

    async def received(self) -> ProviderSid: ...


@dataclass
class FakeBench:
    channel: FakeChannel = field(default_factory=FakeChannel)

    async def refuses(self, code: int) -> None:
        self.channel.script.append(code)

    async def throttles(self) -> None:
        self.channel.script.append(20429)

    async def answers_nothing(self, *, taken: bool) -> None:
        self.channel.script.append("lost" if taken else "dropped")

    async def does_not_list(self) -> None:
        self.channel.listing_works = False

    async def received(self) -> ProviderSid:
        return ProviderSid("SM" + "0" * 32)


@dataclass
class SimulatedBench:
    channel: Outbound
    sim: Running

    async def refuses(self, code: int) -> None:
        await self._order("error", code=code)

    async def throttles(self) -> None:
        await self._order("429")

    async def answers_nothing(self, *, taken: bool) -> None:
        await self._order("drop_after" if taken else "drop_before")

    async def does_not_list(self) -> None:
        await self._order("list_500")

    async def received(self) -> ProviderSid:
        answer = await self.sim.api.post("/sim/messages", json={"from": ANN, "body": "Hi"})
        return ProviderSid(answer.json()["sid"])

    async def _order(self, kind: str, **details: int) -> None:
        (await self.sim.api.post("/sim/faults", json={"kind": kind, **details})).raise_for_status()


@pytest.fixture(params=["fake", "whatsapp-through-twilio"])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    if request.param == "fake":
        yield FakeBench()
        return
    gateway = Gateway()
    webhook_url = gateway.url + PATH
    async with (
        serving(gateway, gateway.port),
        simulator(webhook_url, gateway.url) as sim,
        open_channels(webhook_url, sim.url) as channels,
    ):
        sim.world.hear(ANN, OURS, sim.world.now())
        yield SimulatedBench(channels["twilio/whatsapp"], sim)


async def sends(bench: Bench, body: str = "Hello", to: Address = ANN) -> Outcome:
    return await bench.channel.send(CREDENTIALS, sender=OURS, to=to, body=body, attempt=AttemptId(new_id("at")))


async def finds(bench: Bench, to: Address = ANN) -> list[Listed] | None:
    since = datetime.now(UTC) - timedelta(minutes=1)
    return await bench.channel.find_sent(CREDENTIALS, sender=OURS, to=to, since=since)


async def bodies(bench: Bench, to: Address = ANN) -> list[str]:
    found = await finds(bench, to)
    assert found is not None
    return sorted(it.body for it in found)


async def test_a_part_that_is_taken_has_an_id_of_its_own(bench: Bench) -> None:
    """
    Two sends are two messages, though they say the same.
    """
    first, second = await sends(bench), await sends(bench)
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert first.provider_sid != second.provider_sid
    assert first.http_status == 201


async def test_what_was_taken_is_listed_by_its_id(bench: Bench) -> None:
    """
    With the text that was sent, sign by sign.
    """
    outcome = await sends(bench, "Grüße 👋🏽\n1+1=2 & 50% *bold*")
    assert isinstance(outcome, Accepted)
    [listed] = await finds(bench) or []
    assert (listed.provider_sid, listed.body) == (outcome.provider_sid, "Grüße 👋🏽\n1+1=2 & 50% *bold*")
    assert listed.error_code is None
    assert abs(listed.created_at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_only_what_went_to_this_person_is_listed(bench: Bench) -> None:
    """
    By address, whether it is a number or a user id; what they wrote to us is not in it.
    """
    await bench.received()
    await sends(bench, "to Ann")
    await sends(bench, "to Ben", BEN)
    assert (await bodies(bench, ANN), await bodies(bench, BEN)) == (["to Ann"], ["to Ben"])


@pytest.mark.parametrize("code", [21610, 63024, 63007, 21617, 99999])
async def test_a_refusal_says_why(code: int, bench: Bench) -> None:
    """
    With the failure that the code means; nothing was sent.
    """
    await bench.refuses(code)
    outcome = await sends(bench)
    assert outcome == Refused(bench.channel.failure(code), code, 400)
    assert await bodies(bench) == []


async def test_too_many_at_once_is_to_be_tried_again(bench: Bench) -> None:
    """
    Nothing was processed, and the next try succeeds.
    """
    await bench.throttles()
    outcome = await sends(bench)
    assert outcome == Refused(codes.THROTTLED, 20429, 429)
    assert outcome.failure.retry
    assert isinstance(await sends(bench), Accepted)
    assert await bodies(bench) == ["Hello"]


@pytest.mark.parametrize(("taken", "listed"), [(True, ["Hello"]), (False, [])])
async def test_silence_is_unknown_and_the_list_tells(taken: bool, listed: list[str], bench: Bench) -> None:  # noqa: FBT001 - parameter
    """
    Both cases look the same until somebody asks; the channel sends once and no more.
    """
    await bench.answers_nothing(taken=taken)
    outcome = await sends(bench)
    assert isinstance(outcome, Unknown)
    assert outcome.http_status is None
    assert await bodies(bench) == listed


async def test_a_provider_that_cannot_tell_is_not_an_empty_list(bench: Bench) -> None:
    """
    None: nobody may conclude that nothing was sent.
    """
    await sends(bench)
    await bench.does_not_list()
    assert await finds(bench) is None


async def test_typing_says_whether_it_is_shown(bench: Bench) -> None:
    """
    For a message that came in.
    """
    assert await bench.channel.typing(CREDENTIALS, provider_sid=await bench.received())


async def test_codes_in_reports_mean_what_they_mean_in_answers(bench: Bench) -> None:
    """
    One table for both.
    """
    for code in (63016, 21610, 30008, 1):
        assert bench.channel.failure(code) == codes.failure(code)


async def test_a_reply_becomes_parts_in_its_order(bench: Bench) -> None:
    """
    None of them empty; an empty reply has none.
    """
    assert bench.channel.render("", [], limit=1500, truncated=False) == []
    parts = bench.channel.render("one|two|three", [], limit=1500, truncated=False)
    assert all(parts)
    assert [word for part in parts for word in part.split("|")] == ["one", "two", "three"]
