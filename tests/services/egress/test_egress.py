"""Egress, with real NATS and Postgres and a channel of our own."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg
import pytest

from services.egress.handlers import Egress
from services.egress.ordering import Pacing
from services.egress.reports import Reports
from services.egress.store import SendLedger
from shared.bus import Bus
from shared.events import PartReported, ReplyReady
from shared.ids import AttemptId, ProviderSid, ReplyId, ThreadKey, new_id
from shared.process import background
from shared.store.data_keys import DataKeys
from shared.store.presence import presence
from shared.store.session import Store
from shared.topology import EGRESS, OUT, STATUS, STATUS_READER, Consumer, out_subject, status_subject
from shared.vault import TenantVault, Vault, place
from tests.eventually import eventually
from tests.fakes.channel import FakeChannel, Sent
from tests.services.desk import ACCOUNT, TENANT, Platform

THREAD = ThreadKey("threadofann")


class Post:
    """Egress at work on one thread."""

    def __init__(self, bus: Bus, platform: Platform, channel: FakeChannel) -> None:
        self.bus = bus
        self.platform = platform
        self.channel = channel
        self.rows = platform.rows

    async def contact(self) -> None:
        vault = self.platform.vault
        where = place(TENANT, "contact", "ct_ann")
        async with self.platform.store.connection() as connection:
            await connection.execute(
                "insert into contact (id, tenant_id, channel, sealed_address, sealed_name) values ('ct_ann', %s, 'whatsapp', %s, %s)",
                (TENANT, vault.seal(b"whatsapp:+15550001", where + "/address"), vault.seal(b"Ann", where + "/name")),
            )
            await connection.execute(
                "insert into thread (key, tenant_id, line_id, contact_id) values (%s, %s, 'ln_test', 'ct_ann')",
                (THREAD, TENANT),
            )

    async def reply(self, markdown: str, *, hint: bool = True) -> ReplyId:
        public_id = new_id("rp")
        body = self.platform.vault.seal(
            orjson.dumps({"markdown": markdown, "sources": []}), place(TENANT, "reply", public_id)
        )
        [row] = await self.rows(
            """
            insert into reply (public_id, tenant_id, thread, after_seq, kind, sealed_body, received_at)
            values (%s, %s, %s, 1, 'agent', %s, now()) returning id
            """,
            public_id,
            TENANT,
            THREAD,
            body,
        )
        await self.rows("update thread set send_at = now() where key = %s returning 1", THREAD)
        if hint:
            ready = ReplyReady(tenant=TENANT, thread=THREAD, reply_id=row["id"])
            await self.bus.publish(OUT, out_subject(TENANT, THREAD), ready, message_id=f"reply:{row['id']}")
        return ReplyId(row["id"])

    async def report(
        self, status: str, sent: Sent | None = None, *, code: int | None = None, attempt: str | None = None
    ) -> None:
        event = PartReported(
            tenant=TENANT,
            attempt=AttemptId(attempt) if attempt else sent.attempt if sent else None,
            account_sid=ACCOUNT,
            provider_sid=sent.sid if sent else ProviderSid("SM" + "0" * 32),
            status=status,
            error_code=code,
            reported_at=datetime.now(UTC),
        )
        await self.bus.publish(STATUS, status_subject(TENANT), event, message_id=new_id("st"))

    async def sent(self, count: int) -> list[str]:
        async def look() -> list[str] | None:
            return self.channel.bodies if len(self.channel.sent) >= count else None

        return await eventually(look)

    async def settled(self, reader: Consumer[Any]) -> None:
        """Wait until everything that was delivered to a durable was handled."""

        async def nothing_is_left() -> bool:
            info = await self.bus._js.consumer_info(reader.stream.name, reader.durable)
            return bool(info.num_pending == 0 and info.num_ack_pending == 0)

        await eventually(nothing_is_left)

    async def states(self) -> list[str]:
        return [row["state"] for row in await self.rows("select state from part order by reply_id, ordinal")]

    async def until(self, *states: str) -> None:
        async def look() -> bool:
            return await self.states() == list(states)

        await eventually(look)


MakePost = Callable[..., Awaitable[Post]]


@pytest.fixture
async def post(bus: Bus, platform: Platform, egress_store: Store, database_url: str) -> AsyncIterator[MakePost]:
    async with presence(database_url) as owner, AsyncExitStack() as sweeps:
        senders: list[Egress] = []

        async def build(
            script: tuple[int | str, ...] = (),
            *,
            sent_limit: float = 60.0,
            reconcile: tuple[float, ...] = (0.1, 0.2, 0.3),
        ) -> Post:
            await platform.plant()
            channel = FakeChannel(deque(script))
            egress = Egress(
                bus,
                SendLedger(egress_store, platform.vault, owner),
                Reports(egress_store),
                {"twilio/whatsapp": channel},
                Pacing(sent_limit),
                reconcile,
            )
            bus.on(EGRESS, egress.on_reply_ready, workers=4)
            bus.on(STATUS_READER, egress.on_part_reported, workers=4)
            await bus.consume()
            await sweeps.enter_async_context(background(egress.threads.sweep()))
            senders.append(egress)
            built = Post(bus, platform, channel)
            await built.contact()
            return built

        yield build
        await sweeps.aclose()
        await bus.stop_consuming()
        for egress in senders:
            await egress.threads.end(0)


async def test_a_reply_is_sent_part_by_part_as_each_is_reported(post: MakePost) -> None:
    """
    The second part goes only after the first was reported sent, and then at once.
    """
    here = await post()
    await here.reply("one|two|three")
    assert await here.sent(1) == ["one"]
    await here.until("accepted", "queued", "queued")
    await here.report("sent", here.channel.sent[0])
    assert await here.sent(2) == ["one", "two"]
    await here.report("delivered", here.channel.sent[1])
    assert await here.sent(3) == ["one", "two", "three"]
    await here.report("read", here.channel.sent[2])
    await here.until("sent", "delivered", "read")
    [reply] = await here.rows("select state from reply")
    assert reply["state"] == "done"


async def test_without_a_report_the_next_part_follows_after_the_limit(post: MakePost) -> None:
    """
    Lost callbacks slow a reply down; they do not stop it.
    """
    here = await post(sent_limit=0.2)
    await here.reply("one|two")
    assert await here.sent(2) == ["one", "two"]


async def test_a_reply_whose_hint_was_lost_is_swept_up(post: MakePost) -> None:
    """
    The rows are the outbox: the hint only makes it quicker.
    """
    here = await post()
    await here.reply("one", hint=False)
    assert await here.sent(1) == ["one"]


async def test_replies_of_a_thread_keep_their_order(post: MakePost) -> None:
    """
    The second reply waits for the last part of the first.
    """
    here = await post()
    await here.reply("one|two")
    await here.reply("three")
    for number in range(3):
        await here.sent(number + 1)
        await here.report("sent", here.channel.sent[number])
    assert await here.sent(3) == ["one", "two", "three"]


async def test_many_hints_send_once(post: MakePost) -> None:
    """
    Fifty hints for one reply, some after it was sent: one message.
    """
    here = await post()
    reply = await here.reply("one")
    for number in range(50):
        ready = ReplyReady(tenant=TENANT, thread=THREAD, reply_id=reply)
        await here.bus.publish(OUT, out_subject(TENANT, THREAD), ready, message_id=f"again:{number}")
    await here.sent(1)

    await here.settled(EGRESS)
    assert here.channel.tried == ["one"]


async def test_throttled_sends_are_repeated(post: MakePost) -> None:
    """
    A 429 was never processed: the same part is tried again, and the person gets it once.
    """
    here = await post((20429,))
    await here.reply("one")
    assert await here.sent(1) == ["one"]
    assert here.channel.tried == ["one", "one"]


async def test_a_permanent_error_ends_the_reply_visibly(post: MakePost) -> None:
    """
    The rest of the reply is skipped, the dead letter names why, and the next reply is sent.
    """
    here = await post((21211,))
    await here.reply("one|two")
    await here.reply("three")
    assert await here.sent(1) == ["three"]
    await here.until("failed", "cancelled", "accepted")
    [letter] = await here.rows("select stage, reason from dead_letter")
    assert letter == {"stage": "egress", "reason": "bad_recipient"}


async def test_a_message_outside_the_window_ends_the_reply_when_it_is_reported(post: MakePost) -> None:
    """
    63016 comes in a callback, after Twilio accepted: the part failed, visibly.
    """
    here = await post()
    await here.reply("one|two")
    await here.sent(1)
    await here.until("accepted", "queued")
    await here.report("undelivered", here.channel.sent[0], code=63016)
    await here.until("undelivered", "cancelled")
    [letter] = await here.rows("select reason from dead_letter")
    assert letter["reason"] == "window_closed"


async def test_an_opted_out_person_gets_nothing_more(post: MakePost) -> None:
    """
    21610 drops what else is queued for them.
    """
    here = await post((21610,))
    await here.reply("one|two", hint=False)
    await here.reply("three", hint=False)

    async def settled() -> bool:
        rows = await here.rows("select state from reply order by id")
        return [row["state"] for row in rows] in (["failed", "cancelled"], ["cancelled", "cancelled"])

    await eventually(settled)
    assert here.channel.sent == []
    [thread] = await here.rows("select opted_out_at from thread")
    assert thread["opted_out_at"] is not None


async def test_a_send_that_twilio_took_in_silence_is_adopted(post: MakePost) -> None:
    """
    The answer was lost, the listing shows the message: it is not sent again.
    """
    here = await post(("lost",))
    await here.reply("one|two")
    assert await here.sent(2) == ["one", "two"]
    assert here.channel.tried == ["one", "two"]


async def test_a_callback_proves_a_doubtful_send_without_asking(post: MakePost) -> None:
    """
    The attempt's id in the callback is proof: no listing is needed.
    """
    here = await post(("lost",), reconcile=(600.0,))
    await here.reply("one|two")
    await here.sent(1)
    await here.until("unknown", "queued")
    await here.report("sent", here.channel.sent[0])
    assert await here.sent(2) == ["one", "two"]
    assert here.channel.lists == 0


async def test_a_send_that_never_arrived_is_repeated_once_and_flagged(post: MakePost) -> None:
    """
    Absent from every listing of the schedule: sent once more, and marked so.
    """
    here = await post(("dropped",))
    await here.reply("one")
    assert await here.sent(1) == ["one"]
    assert here.channel.tried == ["one", "one"]
    assert here.channel.lists == 3
    [part] = await here.rows("select resent from part")
    assert part["resent"] is True


async def test_a_part_is_never_sent_a_third_time(post: MakePost) -> None:
    """
    Doubtful twice: it is given up, visibly.
    """
    here = await post(("dropped", "dropped"))
    await here.reply("one")
    await here.until("failed")
    assert here.channel.tried == ["one", "one"]
    [letter] = await here.rows("select reason from dead_letter")
    assert letter["reason"] == "outcome_unknown"


async def test_while_twilio_cannot_tell_nothing_is_sent(post: MakePost) -> None:
    """
    A listing that fails proves nothing: the part is held, and goes on by itself when the listing is back.
    """
    here = await post(("dropped",), reconcile=(0.05, 0.1))
    here.channel.listing_works = False
    await here.reply("one")

    async def asked_often() -> bool:
        return here.channel.lists >= 3

    await eventually(asked_often)
    assert here.channel.tried == ["one"]
    assert await here.states() == ["unknown"]
    here.channel.listing_works = True
    assert await here.sent(1) == ["one"]


async def test_a_dead_senders_part_is_looked_for_before_it_is_sent_again(post: MakePost) -> None:
    """
    A part in `sending` whose sender is gone was taken by Twilio: the next sender adopts it.
    """
    here = await post()
    await here.rows("update thread set out_owner = 4711, out_until = now() + interval '1 hour' returning 1")
    reply = await here.reply("one", hint=False)
    place_of = place(TENANT, "part", f"{reply}/1")
    [part] = await here.rows(
        "insert into part (tenant_id, thread, reply_id, ordinal, sealed_body, state) values (%s, %s, %s, 1, %s, 'sending') returning id",
        TENANT,
        THREAD,
        reply,
        here.platform.vault.seal(b"one", place_of),
    )
    await here.rows(
        "insert into attempt (id, tenant_id, part_id) values ('at_dead', %s, %s) returning 1", TENANT, part["id"]
    )
    await here.rows("update reply set state = 'cut' returning 1")
    here.channel.sent.append(Sent("whatsapp:+15550001", "one", AttemptId("at_dead"), ProviderSid("SM" + "d" * 32)))  # type: ignore[arg-type]
    await here.until("sent")
    assert here.channel.tried == []


async def test_reports_in_any_order_end_the_same(post: MakePost) -> None:
    """
    read, then delivered, then sent, each twice: the part was read, and each report is kept once.
    """
    here = await post()
    await here.reply("one")
    await here.sent(1)
    await here.until("accepted")
    for status in ("read", "delivered", "sent", "sent", "read"):
        await here.report(status, here.channel.sent[0])

    async def all_kept() -> list[dict[str, Any]] | None:
        rows = await here.rows("select status from status_event")
        return rows if len(rows) == 3 else None

    await eventually(all_kept)
    assert await here.states() == ["read"]


async def test_a_report_wakes_a_sender_only_where_more_waits(post: MakePost) -> None:
    """
    Most reports are of a reply's only part, and each would have its thread looked at for nothing.
    """
    here = await post()
    await here.reply("one|two")
    for number, hints in ((1, 2), (2, 2)):  # the router's own, and one after the first of two parts
        await here.sent(number)
        await here.report("sent", here.channel.sent[number - 1])
        await here.settled(STATUS_READER)
        assert await here.bus.last_seq(OUT) == hints


async def test_a_report_of_nothing_that_we_sent_is_ignored(post: MakePost) -> None:
    """
    A callback of another system's message moves nothing and blocks nothing.
    """
    here = await post()
    await here.report("delivered", attempt="at_unheard_of")
    await here.reply("one")
    assert await here.sent(1) == ["one"]
    assert await here.rows("select 1 from status_event") == []


async def test_a_line_may_send_with_an_account_that_another_tenant_holds(post: MakePost) -> None:
    """
    The secret is sealed for whoever holds the account, not for whose line it is.
    """
    here = await post()
    await here.rows("insert into tenant (id, name) values ('tn_holder', 'Holder') returning 1")
    theirs = DataKeys(Vault({1: b"v" * 32}))
    async with here.platform.store.connection() as connection:
        await theirs.ensure(connection, "tn_holder")
    secret = TenantVault({1: b"v" * 32}, theirs).seal(b"token", place("tn_holder", "credential", "cr_test"))
    await here.rows("update credential set tenant_id = 'tn_holder', sealed_secret = %s returning 1", secret)
    await here.reply("Hi")
    assert await here.sent(1) == ["Hi"]


async def test_parts_rest_sealed(post: MakePost) -> None:
    """
    Neither replies nor parts show their text in the tables.
    """
    here = await post()
    await here.reply("a very secret answer")
    await here.sent(1)
    rows = await here.rows("select sealed_body from part union all select sealed_body from reply")
    assert all(b"secret" not in row["sealed_body"] for row in rows)


async def test_a_late_reply_is_parked_and_goes_once_the_person_has_written(post: MakePost) -> None:
    """
    More than 24 hours after the person's last message nothing is tried; their next one releases it, in order.
    """
    here = await post()
    await here.rows("update thread set last_inbound_at = now() - interval '24 hours' returning 1")
    await here.reply("one|two")
    await here.until("parked", "parked")
    await here.reply("three")

    async def let_go() -> bool:
        [thread] = await here.rows("select send_at, out_owner, parked_at from thread")
        return thread["send_at"] is None and thread["out_owner"] is None and thread["parked_at"] is not None

    await eventually(let_go)
    assert here.channel.tried == []
    await here.rows("update thread set last_inbound_at = now(), parked_at = null, send_at = now() returning 1")
    assert await here.sent(1) == ["one"]
    await here.report("sent", here.channel.sent[0])
    assert await here.sent(2) == ["one", "two"]
    await here.report("sent", here.channel.sent[1])
    assert await here.sent(3) == ["one", "two", "three"]


async def test_just_within_the_window_a_reply_is_sent(post: MakePost) -> None:
    """
    23 hours and 59 minutes are within 24 hours.
    """
    here = await post()
    await here.rows("update thread set last_inbound_at = now() - interval '23 hours 59 minutes' returning 1")
    await here.reply("one")
    assert await here.sent(1) == ["one"]


async def test_what_is_taken_back_while_its_sender_waits_for_the_thread_is_not_sent(
    post: MakePost, database_url: str
) -> None:
    """
    A second reply is cut and waits for the first; the router cancels it just as egress asks for the thread.
    """
    here = await post()
    await here.reply("one")
    await here.sent(1)
    await here.reply("two")
    await here.until("accepted", "queued")
    async with await psycopg.AsyncConnection.connect(database_url) as router:
        await router.execute("select 1 from thread for update")
        await router.execute("update reply set state = 'cancelled' where id = (select max(id) from reply)")
        await here.rows("update part set accepted_at = now() - interval '1 hour' where state = 'accepted' returning 1")
        hinted = ReplyReady(tenant=TENANT, thread=THREAD, reply_id=ReplyId(1))
        await here.bus.publish(OUT, out_subject(TENANT, THREAD), hinted, message_id="now")

        async def waits() -> bool:
            waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%%update thread%%' limit 1"
            return bool(await here.rows(waiting))

        await eventually(waits)
        await router.commit()
    await here.reply("three")
    assert await here.sent(2) == ["one", "three"]
    await here.until("accepted", "cancelled", "accepted")
