"""The counts that monitoring shows: each minute as it is in the tables, whenever and however often the job runs."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.rows import DictRow

from services.console import rollups
from services.console.forgetting import delete_rows, find
from services.console.monitoring import RANGES, Monitoring, Traffic, error_rate, quantile
from services.console.rollups import BUCKETS, Rollups
from shared.addresses import Pepper
from shared.ids import TenantId
from shared.store.session import EVERY_TENANT, Store
from shared.vault import Vault
from tests.services.console.api.past import NOON, Past

ONE = TenantId("tn_one")


@pytest.fixture
async def past(store: Store, vault: Vault, pepper: Pepper) -> Past:
    async with store.connection() as connection:
        await connection.execute("insert into tenant (id, name) values (%s, 'One')", (ONE,))
    return await Past(store, vault, pepper, ONE).plant()


@pytest.fixture
def job(console_store: Store) -> Rollups:
    return Rollups(console_store)


async def counts(store: Store, grain: str = "hour") -> Counter[str]:
    """Return all counts of a grain, reply times as one."""
    async with store.connection() as connection:
        cursor = await connection.execute(
            "select split_part(what, '/', 1) as what, sum(count)::int as count from traffic where grain = %s group by 1",
            (grain,),
        )
        return Counter({row["what"]: row["count"] for row in await cursor.fetchall()})


async def execute(store: Store, statement: str, *values: object) -> None:
    async with store.connection() as connection:
        await connection.execute(statement, values)


async def busiest(job: Rollups, name: str, now: datetime) -> dict[str, int]:
    """Return who wrote most in a range, as the page is told."""
    async with job.store.connection(ONE) as connection:
        return {
            row["contact_id"]: row["messages"] for row in await Monitoring(connection, ONE).busiest(RANGES[name], now)
        }


async def every_count(store: Store) -> list[DictRow]:
    """Return all that was counted."""
    async with store.connection() as connection:
        cursor = await connection.execute("select * from traffic order by tenant_id, grain, at, what")
        return await cursor.fetchall()


async def test_both_directions_are_counted_by_minute_and_hour(past: Past, job: Rollups, store: Store) -> None:
    """
    What came in, what was handed to Twilio, what nobody knows yet, and how long the first part took.
    """
    await job.run()
    expected = {"in": 2, "out": 1, "unsettled": 1, "latency": 1}
    assert await counts(store, "minute") == expected
    assert await counts(store) == expected


async def test_a_run_after_a_run_counts_nothing_twice(past: Past, job: Rollups, store: Store) -> None:
    """
    Rows are read more than once, minutes counted as a whole.
    """
    await job.run()
    before = await counts(store)
    await job.run()
    assert await counts(store) == before


async def test_what_comes_late_is_counted_where_it_belongs(past: Past, job: Rollups, store: Store) -> None:
    """
    A part that was cut long ago and is sent only now, and a report of its failure hours later.
    """
    await job.run()
    old = NOON - timedelta(hours=5)
    reply = await past.reply("rp_late", "late", 1, received_at=old)
    part = await past.part(reply, 1, "late", "parked", created_at=old)
    await job.run()
    assert (await counts(store))["out"] == 1
    await execute(store, "update part set state = 'accepted', accepted_at = now() where id = %s", part)
    await past.insert("attempt", id="at_zlate", part_id=part, outcome="accepted")
    await job.run()
    assert (await counts(store))["out"] == 2
    await execute(store, "update part set state = 'undelivered' where id = %s", part)
    await past.insert("status_event", part_id=part, provider_sid="SMlate", status="undelivered", reported_at=NOON)
    await job.run()
    assert (await counts(store))["undelivered"] == 1
    async with store.connection() as connection:
        cursor = await connection.execute("select at from traffic where what = 'undelivered' and grain = 'minute'")
        assert await cursor.fetchall() == [{"at": old}]


async def test_what_failed_after_twilio_took_it_is_undelivered(past: Past, job: Rollups, store: Store) -> None:
    """
    It went out, and is one error of one part: were it counted as refused too, the rate would be of two.
    """
    await execute(store, "update part set state = 'failed' where accepted_at is not null")
    await execute(store, "update part set state = 'cancelled' where accepted_at is null")
    await job.run()
    found = await counts(store)
    assert (found["out"], found["undelivered"], found["failed"]) == (1, 1, 0)
    assert error_rate(found) == 1.0


async def test_counting_bit_by_bit_comes_to_the_same_as_from_nothing(past: Past, job: Rollups, store: Store) -> None:
    """
    Whatever came late, and wherever in its hour: minutes between two that changed are counted with them.
    """
    reply = await past.reply("rp_more", "more", 1)
    for n, minutes in enumerate((0, 7, 31, 59, 60, 200), start=1):
        at = NOON - timedelta(minutes=minutes)
        await past.message(f"msg_z{n}", "x", 20 + n, received_at=at)
        part = await past.part(reply, 10 + n, "x", "sent", created_at=at, accepted_at=at + timedelta(seconds=n))
        await past.insert("attempt", id=f"at_z{n}", part_id=part, outcome="accepted")
        if n % 2:
            await job.run()
            await execute(store, "update part set state = 'undelivered' where id = %s", part)
            await past.insert("status_event", part_id=part, provider_sid=f"SM{n}", status="undelivered", reported_at=at)
    await job.run()
    bit_by_bit = await every_count(store)
    await execute(store, "delete from rollup_place")
    await execute(store, "delete from traffic")
    await job.run()
    assert await every_count(store) == bit_by_bit
    assert (await counts(store))["undelivered"] == 3


async def test_a_doubt_that_is_resolved_needs_no_further_row(past: Past, job: Rollups, store: Store) -> None:
    """
    Minutes with an unknown outcome are counted anew in every run.
    """
    await job.run()
    async with store.connection() as connection:
        await connection.execute("update status_event set stored_at = now() - interval '1 day'")
        await connection.execute("update attempt set started_at = now() - interval '1 day'")
    await job.run()
    await execute(store, "update part set state = 'accepted', accepted_at = now() where state = 'unknown'")
    await job.run()
    assert await counts(store) == {"in": 2, "out": 2, "latency": 1}


async def test_a_run_that_dies_is_made_good_by_the_next(
    past: Past, job: Rollups, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    How far it has come is kept with what it counted, or not at all.
    """
    await execute(store, "update message set routed_at = now() - interval '1 hour'")
    monkeypatch.setattr(rollups, "_KEEP_PLACE", "select %s::text, %s::text, 1 / 0")
    with pytest.raises(psycopg.errors.DivisionByZero):
        await job.run()
    assert await counts(store) == {}
    monkeypatch.undo()
    await job.run()
    assert (await counts(store))["in"] == 2


async def test_rows_that_become_visible_late_are_not_missed(past: Past, job: Rollups, store: Store) -> None:
    """
    An id that was made before the newest one that was read is read all the same, within five minutes.
    """
    await execute(store, "update message set routed_at = now()")
    await execute(store, "update part set state = 'sent'")
    await job.run()
    await past.message("msg_aaa", "made earlier, written later", 7)
    await job.run()
    assert (await counts(store))["in"] == 3


async def test_what_is_settled_is_not_read_again(past: Past, job: Rollups, store: Store) -> None:
    """
    A run costs what was added, however much there is.
    """
    await execute(store, "update message set routed_at = now() - interval '1 hour'")
    await execute(store, "delete from part where state = 'unknown' and id not in (select part_id from attempt)")
    await execute(store, "update part set state = 'sent'")
    await execute(store, "update attempt set started_at = now() - interval '1 hour'")
    await execute(store, "update status_event set stored_at = now() - interval '1 hour'")
    await job.run()
    assert await job.run() == 0


async def test_more_than_a_batch_is_read_to_its_end(
    past: Past, job: Rollups, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Also while all of it is so young that it will be read again.
    """
    monkeypatch.setattr(rollups, "_BATCH", 2)
    for n in range(5):
        await past.message(f"msg_more{n}", "x", 10 + n)
    await job.run()
    assert (await counts(store))["in"] == 7


async def test_limits_and_what_was_given_up_are_counted(past: Past, job: Rollups, store: Store) -> None:
    """
    What egress gives up is its part's failure, and counted there alone.
    """
    await past.message("msg_limited", "x", 9, outcome="rate_limited")
    for stage, payload in (("agent", "turn/tu_1"), ("router", "inbound/9"), ("egress", "part/2")):
        await past.insert(
            "dead_letter", id=f"dl_{stage}", thread="thone", stage=stage, reason="x", attempts=1, payload=payload
        )
    await job.run()
    found = await counts(store)
    assert (found["limited"], found["given_up"]) == (1, 2)


async def test_the_busiest_people_go_with_the_person(past: Past, job: Rollups, store: Store) -> None:
    """
    Whoever is erased is in no list; the numbers stay.
    """
    await job.run()
    await job.count_people()
    now = datetime.now(UTC)
    assert await busiest(job, "24h", now) == {"ct_one": 1}
    before = await counts(store)
    async with job.store.transaction(EVERY_TENANT) as connection:
        erased = await delete_rows(connection, await find(connection, ONE, "ct_one"), "user/us_x")
    assert erased["traffic_contact"] == 1
    assert (await counts(store))["in"] == before["in"]
    await job.run()
    await job.count_people()
    assert await busiest(job, "24h", now) == {}
    assert (await counts(store))["in"] == before["in"]


async def test_people_are_counted_again_where_somebody_wrote(past: Past, job: Rollups) -> None:
    """
    An hour is counted once, however many runs saw messages of it; and once more after the next one.
    """
    await job.run()
    await job.run()
    assert await job.count_people() == 1
    assert await job.count_people() == 0
    await past.message("msg_zmore", "x", 7, conversation_id="cv_one")
    await job.run()
    assert await job.count_people() == 1
    assert await busiest(job, "24h", datetime.now(UTC)) == {"ct_one": 2}


async def test_the_busiest_of_an_hour_are_of_that_hour_wherever_it_begins(past: Past, job: Rollups) -> None:
    """
    People are counted by the full hour; the minutes before the first one are not forgotten, and no others counted.
    """
    for minutes, seq in ((10, 8), (20, 9), (58, 10)):
        at = NOON - timedelta(minutes=minutes)
        await past.message(f"msg_b{seq}", "x", seq, conversation_id="cv_one", received_at=at, routed_at=at)
    await job.run()
    await job.count_people()
    assert await busiest(job, "1h", NOON + timedelta(minutes=5, seconds=1)) == {"ct_one": 3}


async def test_another_companys_counts_are_not_seen(past: Past, job: Rollups) -> None:
    """
    Row-level security keeps them apart, whatever a query asks for.
    """
    await job.run()
    async with job.store.connection(TenantId("tn_other")) as connection:
        cursor = await connection.execute("select count(*) as rows from traffic where tenant_id = 'tn_one'")
        assert await cursor.fetchone() == {"rows": 0}


async def test_counts_are_kept_for_as_long_as_a_page_shows_them(past: Past, job: Rollups, store: Store) -> None:
    """
    32 days.
    """
    await job.run()
    await execute(store, "update traffic set at = at - interval '31 days' where grain = 'hour'")
    await execute(store, "update traffic set at = at - interval '33 days' where grain = 'minute'")
    await job.expire()
    assert await counts(store, "minute") == {}
    assert (await counts(store))["in"] == 2


@pytest.mark.parametrize("name", RANGES)
async def test_a_range_has_every_point_and_ends_with_the_one_that_runs(past: Past, job: Rollups, name: str) -> None:
    """
    Also where nothing happened.
    """
    await job.run()
    now = datetime.now(UTC)
    over = RANGES[name]
    async with job.store.connection(ONE) as connection:
        traffic = await Monitoring(connection, ONE).traffic(over, now)
    assert len(traffic.points) == over.length // over.step
    assert traffic.points[-1] <= now < traffic.points[-1] + over.step
    if name != "1h":
        assert sum(traffic.series("in")) == 2


def test_a_percentile_is_an_eighth_off_at_most() -> None:
    """
    It is the middle of a bucket, whose width is a quarter.
    """
    for n, begin in enumerate(BUCKETS[:-1], start=1):
        found = quantile({f"latency/{n}": 1}, 0.95)
        assert found is not None
        for real in (begin, begin * 1.2499):
            assert abs(found - real) / real < 0.125


def test_a_percentile_lies_where_that_share_is_reached() -> None:
    """
    And there is none without a reply.
    """
    counts = {"latency/3": 90, "latency/10": 9, "latency/20": 1, "in": 7}
    assert [quantile(counts, share) for share in (0.5, 0.95, 1.0)] == [
        quantile({f"latency/{n}": 1}, 1) for n in (3, 10, 20)
    ]
    assert quantile({"in": 1}, 0.5) is None


def test_a_percentile_of_a_range_is_that_of_all_its_replies() -> None:
    """
    Never a mean of its minutes': one slow reply alone in its minute is one of a hundred.
    """
    points = [NOON, NOON + timedelta(minutes=1)]
    traffic = Traffic(points, {"latency/3": [99, 0], "latency/20": [0, 1]})
    assert traffic.quantiles(0.95) == [quantile({f"latency/{n}": 1}, 1) for n in (3, 20)]
    assert quantile(traffic.total, 0.95) == quantile({"latency/3": 1}, 1)


def test_the_error_rate_is_of_what_people_should_have_got() -> None:
    """
    Parts that reached Twilio, those that it refused, and turns that came to nothing.
    """
    assert error_rate({"out": 90, "undelivered": 5, "failed": 4, "given_up/agent": 6}) == 0.15
    assert error_rate({"in": 3}) is None
