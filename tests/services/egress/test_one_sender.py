"""The threads of one person have one sender: their root's, who sends what is left on all of them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import orjson
import pytest

from services.egress.handlers import Egress
from services.egress.ordering import Pacing
from services.egress.reports import Reports
from services.egress.store import FenceLost, SendLedger
from shared.bus import Bus
from shared.channels.ports import Credentials, Outcome
from shared.ids import Address, AttemptId, ProviderSid, ThreadKey, new_id
from shared.store.presence import presence
from shared.store.sealed import CONTACT_ADDRESS, REPLY_BODY
from shared.store.session import Store
from tests.fakes.channel import FakeChannel
from tests.services.desk import TENANT, Platform

ELDER, YOUNGER = ThreadKey("elder"), ThreadKey("younger")


@dataclass
class MeetingChannel(FakeChannel):
    """While it sends, the threads prove to be one person's."""

    meet: Callable[[], Awaitable[None]] | None = None

    async def send(
        self, credentials: Credentials, *, sender: Address, to: Address, body: str, attempt: AttemptId
    ) -> Outcome:
        if self.meet is not None:
            await self.meet()
        return await super().send(credentials, sender=sender, to=to, body=body, attempt=attempt)


class Counter:
    """Two threads, and senders for them."""

    def __init__(self, platform: Platform, bus: Bus, store: Store, owners: tuple[int, int]) -> None:
        self.platform = platform
        self.rows = platform.rows
        self.bus, self.store = bus, store
        self.ledgers = [SendLedger(store, platform.vault, owner) for owner in owners]
        self.use(FakeChannel())

    def use(self, channel: FakeChannel, sent_limit: float = 0) -> None:
        """Send on this channel, each part so many seconds after the one before it, or once that is reported."""
        self.channel = channel
        channels = {"twilio/whatsapp": channel}
        self.egress = Egress(self.bus, self.ledgers[0], Reports(self.store), channels, Pacing(sent_limit), (0.1,))

    async def thread(self, key: ThreadKey) -> None:
        await self.rows(
            "insert into thread (key, tenant_id, line_id, contact_id) values (%s, %s, 'ln_test', 'ct_ann') returning 1",
            key,
            TENANT,
        )

    async def reply(self, key: ThreadKey, text: str) -> None:
        public_id = new_id("rp")
        body = orjson.dumps({"markdown": text, "sources": []})
        await self.rows(
            """
            insert into reply (public_id, tenant_id, thread, after_seq, kind, sealed_body, received_at)
            values (%s, %s, %s, 1, 'agent', %s, now()) returning 1
            """,
            public_id,
            TENANT,
            key,
            self.platform.vault.seal(body, REPLY_BODY.at(TENANT, public_id)),
        )
        await self.rows("update thread set send_at = now() - interval '1 s' where key = %s returning 1", key)

    async def bring_together(self) -> None:
        await self.rows("update thread set root = %s returning 1", ELDER)

    async def due(self) -> list[str]:
        return [key for _, key in await self.ledgers[0].due(0)]


@pytest.fixture
async def counter(bus: Bus, platform: Platform, egress_store: Store, database_url: str) -> AsyncIterator[Counter]:
    async with presence(database_url) as one, presence(database_url) as other:
        await platform.plant()
        here = Counter(platform, bus, egress_store, (one, other))
        await here.rows(
            "insert into contact (id, tenant_id, channel, sealed_address, sealed_name)"
            " values ('ct_ann', %s, 'whatsapp', %s, '') returning 1",
            TENANT,
            platform.vault.seal(b"whatsapp:+15550001", CONTACT_ADDRESS.at(TENANT, "ct_ann")),
        )
        await here.thread(ELDER)
        await here.thread(YOUNGER)
        yield here


async def test_what_is_left_on_all_threads_goes_in_the_order_in_which_it_was_said(counter: Counter) -> None:
    """
    Whichever thread it was said on; nothing stays behind.
    """
    for key, text in ((YOUNGER, "one|two"), (ELDER, "three"), (YOUNGER, "four")):
        await counter.reply(key, text)
    await counter.bring_together()
    await counter.egress.send_out(TENANT, ELDER)
    assert counter.channel.bodies == ["one", "two", "three", "four"]
    assert await counter.due() == []


async def test_a_reply_that_was_begun_is_ended_by_the_root(counter: Counter) -> None:
    """
    Its next part waits for the one that was sent before.
    """
    await counter.reply(YOUNGER, "one|two")
    counter.use(FakeChannel(), sent_limit=60)
    await counter.egress.send_out(TENANT, YOUNGER)
    await counter.bring_together()
    await counter.rows("update thread set send_at = now() - interval '1 s' where key = %s returning 1", YOUNGER)
    await counter.egress.send_out(TENANT, ELDER)
    assert counter.channel.bodies == ["one"]
    await counter.rows("update part set state = 'sent' where ordinal = 1 returning 1")
    await counter.egress.send_out(TENANT, ELDER)
    assert counter.channel.bodies == ["one", "two"]


async def test_what_was_cancelled_on_another_thread_is_dropped(counter: Counter) -> None:
    """
    After /stop nothing of it waits any more.
    """
    counter.use(FakeChannel(), sent_limit=60)
    await counter.reply(YOUNGER, "one|two")
    await counter.egress.send_out(TENANT, YOUNGER)
    await counter.bring_together()
    await counter.rows("update reply set state = 'cancelled' returning 1")
    await counter.rows("update thread set send_at = now() returning 1")
    await counter.egress.send_out(TENANT, ELDER)
    states = await counter.rows("select state from part order by ordinal")
    assert [it["state"] for it in states] == ["accepted", "cancelled"]


async def test_the_sweep_finds_what_another_thread_has_left_by_its_root(counter: Counter) -> None:
    """
    The thread itself is nobody's to send on.
    """
    await counter.reply(YOUNGER, "one")
    await counter.bring_together()
    assert await counter.due() == [ELDER]
    await counter.egress.send_out(TENANT, YOUNGER)
    assert counter.channel.bodies == []


async def test_the_root_waits_for_a_sender_of_another_thread(counter: Counter) -> None:
    """
    Who was sending when the threads proved to be one person's is not overtaken; what they have left is the root's.
    """
    await counter.reply(YOUNGER, "one|two")
    async with counter.ledgers[1].claimed(TENANT, YOUNGER) as desk:
        assert desk is not None
        claim = desk.claim
    await counter.reply(ELDER, "three")
    await counter.bring_together()
    await counter.egress.send_out(TENANT, ELDER)
    assert counter.channel.bodies == []
    async with counter.ledgers[1].desk(claim) as desk:
        standing = await desk.standing()
        assert standing.regrouped
        await desk.release(standing.now)
    await counter.egress.send_out(TENANT, ELDER)
    assert counter.channel.bodies == ["one", "two", "three"]


async def test_a_sender_that_is_gone_holds_nobody_up(counter: Counter) -> None:
    """
    The root goes on with what it left.
    """
    await counter.reply(YOUNGER, "one")
    await counter.rows(
        "update thread set out_owner = 7, out_until = now() - interval '1 s' where key = %s returning 1", YOUNGER
    )
    await counter.bring_together()
    await counter.egress.send_out(TENANT, ELDER)
    assert counter.channel.bodies == ["one"]


async def test_who_sends_for_a_thread_alone_stops_when_it_is_not_alone(counter: Counter) -> None:
    """
    After the part that is on its way, which is written down: the next may be another thread's.
    """
    await counter.reply(ELDER, "two")
    await counter.reply(ELDER, "three")
    await counter.rows("update reply set thread = %s where id = (select max(id) from reply) returning 1", YOUNGER)
    counter.use(MeetingChannel(meet=counter.bring_together))
    await counter.reply(ELDER, "four")
    await counter.egress.send_out(TENANT, ELDER)
    assert counter.channel.bodies == ["two"]
    await counter.rows("update thread set send_at = now() where key = %s returning 1", YOUNGER)
    await counter.egress.send_out(TENANT, ELDER)
    assert counter.channel.bodies == ["two", "three", "four"]


async def test_who_lost_the_thread_writes_nothing_down(counter: Counter) -> None:
    """
    A sender was paused for longer than its claim lasts; whoever has the thread now finds the part as it was.
    """
    await counter.reply(YOUNGER, "one")
    async with counter.ledgers[1].claimed(TENANT, YOUNGER) as desk:
        assert desk is not None
        claim, reply = desk.claim, (await desk.view()).uncut
        assert reply is not None
        [part] = await desk.cut(reply, ["one"])
        begun = await desk.begin(part)
    await counter.rows("update thread set out_until = now() - interval '1 s' where key = %s returning 1", YOUNGER)
    async with counter.ledgers[0].claimed(TENANT, YOUNGER) as desk:
        assert desk is not None
    with pytest.raises(FenceLost):
        async with counter.ledgers[1].desk(claim) as desk:
            await desk.accept(part, begun.attempt, ProviderSid("SM1"))
    [left] = await counter.rows("select state, provider_sid from part")
    assert left == {"state": "sending", "provider_sid": None}


async def test_who_wants_no_more_is_told_no_more_on_any_thread(counter: Counter) -> None:
    """
    A permanent stop by the provider drops what is queued on all of them.
    """
    counter.channel.script.append(21610)
    for key, text in ((YOUNGER, "one"), (ELDER, "two"), (YOUNGER, "three")):
        await counter.reply(key, text)
    await counter.bring_together()
    await counter.egress.send_out(TENANT, ELDER)
    assert counter.channel.bodies == []
    assert await counter.due() == []
