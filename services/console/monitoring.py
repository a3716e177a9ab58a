"""What the monitoring page tells, read from the roll-ups (ADR 22) and from the small indexes of what waits."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg.rows import DictRow

from services.console.rollups import BUCKETS
from shared.ids import TenantId
from shared.store.session import Connection, Store

ACTIVE_READ = 5_000
"""How many of the last hour's messages are looked through for who wrote; beyond them the number is a lower bound."""
BUSY = 8
ERRORS = ("undelivered", "failed", "given_up/agent", "given_up/other")
_LATENCY = "latency/"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_READ = """
select date_bin(%(step)s, at, 'epoch') as at, what, sum(count)::bigint as count from traffic
where tenant_id = %(tenant)s and grain = %(grain)s and at >= %(since)s and at < %(until)s group by 1, 2
"""
_ACTIVE = f"""
select count(distinct conversation_id) as conversations, count(*) as read from (
  select conversation_id from message
  where tenant_id = %(tenant)s and received_at > %(now)s - interval '1 hour' order by received_at desc, id desc limit {ACTIVE_READ}
) as newest
"""  # noqa: S608 - constants
_OLDEST = """
select least(
  (select min(coalesce(burst_at, run_at)) from (
     select burst_at, run_at from thread where done_seq < asked_seq and tenant_id = %(tenant)s order by run_at limit 1000
   ) as waiting),
  (select min(created_at) from (
     select created_at from part where state in ('queued', 'sending', 'unknown') and tenant_id = %(tenant)s limit 5000
   ) as unsent)
) as since
"""
_BUSIEST = """
select contact_id, sum(messages)::bigint as messages from traffic_contact
where tenant_id = %(tenant)s and hour >= %(since)s and hour < %(until)s
group by 1 order by 2 desc, 1 limit %(most)s
"""
_EVER = "select exists (select from message where tenant_id = %(tenant)s) as written"
_SETUP = """
select exists (select from credential where tenant_id = %(tenant)s) as account,
       exists (select from line where tenant_id = %(tenant)s and enabled) as line,
       exists (select from agent where tenant_id = %(tenant)s) as agent
"""


@dataclass(frozen=True)
class Range:
    """What a page looks back at. `step`: between two points of a chart; `grain`: of the counts that it is made of."""

    name: str
    length: timedelta
    step: timedelta
    grain: str

    def bounds(self, now: datetime) -> tuple[datetime, datetime]:
        """Return the first point and the end, both on the steps; the last step is the one that runs."""
        until = _EPOCH + ((now - _EPOCH) // self.step + 1) * self.step
        return until - self.length, until


RANGES: Mapping[str, Range] = {
    it.name: it
    for it in (
        Range("1h", timedelta(hours=1), timedelta(minutes=1), "minute"),
        Range("24h", timedelta(hours=24), timedelta(minutes=15), "minute"),
        Range("7d", timedelta(days=7), timedelta(hours=2), "hour"),
        Range("30d", timedelta(days=30), timedelta(hours=6), "hour"),
    )
}


@dataclass(frozen=True)
class Traffic:
    """Counts by point of time and kind. `points`: every one of the range, whether something happened or not."""

    points: Sequence[datetime]
    counts: Mapping[datetime, Counter[str]]

    def series(self, what: str) -> list[int]:
        """Return one kind, by point."""
        return [self._at(point)[what] for point in self.points]

    def quantiles(self, share: float) -> list[float | None]:
        """Return the reply time that so large a share of each point's replies stayed within, in milliseconds."""
        return [quantile(self._at(point), share) for point in self.points]

    @property
    def total(self) -> Counter[str]:
        """Return the whole range's counts."""
        return sum(self.counts.values(), Counter())

    def _at(self, point: datetime) -> Counter[str]:
        return self.counts.get(point, Counter())


@dataclass(frozen=True)
class Now:
    """How it is just now. `active`: conversations in which somebody wrote within the hour; `at_least`: or more."""

    active: int
    at_least: bool
    oldest: datetime | None


@dataclass(frozen=True)
class Monitoring:
    """Reads it, for one company."""

    store: Store

    async def now(self) -> datetime:
        """Return the database's time, which everything here is measured by."""
        async with self.store.connection() as connection:
            moment: datetime = (await _one(connection, "select now() as now", {}))["now"]
        return moment

    async def traffic(self, tenant: TenantId, over: Range, now: datetime) -> Traffic:
        """Return the counts of a range."""
        since, until = over.bounds(now)
        asked = {"tenant": tenant, "grain": over.grain, "step": over.step, "since": since, "until": until}
        async with self.store.connection(tenant) as connection:
            rows = await (await connection.execute(_READ, asked)).fetchall()
        counts: dict[datetime, Counter[str]] = {}
        for row in rows:
            counts.setdefault(row["at"], Counter())[row["what"]] = row["count"]
        return Traffic([since + n * over.step for n in range(over.length // over.step)], counts)

    async def at_present(self, tenant: TenantId, now: datetime) -> Now:
        """Return what is true just now."""
        async with self.store.connection(tenant) as connection:
            active = await _one(connection, _ACTIVE, {"tenant": tenant, "now": now})
            oldest = await _one(connection, _OLDEST, {"tenant": tenant})
        return Now(active["conversations"], active["read"] >= ACTIVE_READ, oldest["since"])

    async def busiest(self, tenant: TenantId, over: Range, now: datetime) -> list[DictRow]:
        """Return who wrote most: contacts and how many messages."""
        since, until = over.bounds(now)
        asked = {"tenant": tenant, "since": since, "until": until, "most": BUSY}
        async with self.store.connection(tenant) as connection:
            return await (await connection.execute(_BUSIEST, asked)).fetchall()

    async def setup(self, tenant: TenantId) -> DictRow | None:
        """Return which steps to a first message are done; None where there was one."""
        async with self.store.connection(tenant) as connection:
            if (await _one(connection, _EVER, {"tenant": tenant}))["written"]:
                return None
            return await _one(connection, _SETUP, {"tenant": tenant})


def quantile(counts: Mapping[str, int], share: float) -> float | None:
    """Return the middle of the bucket in which a share of the reply times is reached, in milliseconds; None without any."""
    buckets = sorted((int(what.removeprefix(_LATENCY)), n) for what, n in counts.items() if what.startswith(_LATENCY))
    wanted, seen = share * sum(n for _, n in buckets), 0
    for bucket, n in buckets:
        seen += n
        if seen >= wanted:
            return _middle(bucket)
    return None


def errors(counts: Mapping[str, int]) -> int:
    """Return how much went wrong."""
    return sum(counts.get(kind, 0) for kind in ERRORS)


def error_rate(counts: Mapping[str, int]) -> float | None:
    """Return which share of what people should have got went wrong; None where there was nothing."""
    refused = counts.get("failed", 0) + counts.get("given_up/agent", 0) + counts.get("given_up/other", 0)
    wanted = counts.get("out", 0) + refused
    return min(1.0, errors(counts) / wanted) if wanted else None


def _middle(bucket: int) -> float:
    """Return the geometric middle of a bucket: at most an eighth from whatever fell into it."""
    if bucket == 0:
        return BUCKETS[0] / 2
    begin = BUCKETS[bucket - 1]
    return float((begin * begin * BUCKETS[1] / BUCKETS[0]) ** 0.5)


async def _one(connection: Connection, query: str, asked: Mapping[str, Any]) -> DictRow:
    row = await (await connection.execute(query, asked)).fetchone()
    assert row is not None, "it always has a row"  # noqa: S101
    return row
