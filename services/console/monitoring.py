"""What the monitoring page tells, read from the roll-ups (ADR 22) and from the small indexes of what waits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from psycopg.rows import DictRow

from services.console.rollups import BUCKETS
from shared.ids import TenantId
from shared.store.session import Connection

ACTIVE_READ = 5_000
"""How many of the last hour's messages are looked through for who wrote; beyond them the number is a lower bound."""
BUSY = 8
_HOUR = timedelta(hours=1)
_BUSIEST_READ = 20_000
"""How many messages of the last hour, or of a range's first one that it begins within, are looked through; the newest of them."""
ERRORS = ("undelivered", "failed", "given_up/agent", "given_up/other")
_LATENCY = "latency/"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_READ = """
select what, array_agg((extract(epoch from at - %(since)s) / extract(epoch from %(step)s::interval))::int) as points,
       array_agg(count) as counts
from (
  select what, date_bin(%(step)s, at, %(since)s) as at, sum(count::int) as count
  from traffic where tenant_id = %(tenant)s and grain = %(grain)s and at >= %(since)s and at < %(until)s group by 1, 2
) as counted group by 1
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
_BUSIEST = f"""
select contact_id, sum(messages)::bigint as messages from (
  select contact_id, sum(messages::int) as messages from traffic_contact
  where tenant_id = %(tenant)s and hour >= %(whole)s and hour < %(until)s group by 1
  union all
  select contact_id, messages from (
    select conversation_id, count(*) as messages from (
      select conversation_id from message where tenant_id = %(tenant)s and received_at >= %(since)s and received_at < %(whole)s
      order by received_at desc, id desc limit {_BUSIEST_READ}
    ) as newest group by 1 offset 0
  ) as chat cross join lateral (select contact_id from conversation where id = conversation_id offset 0) as theirs
) as wrote group by 1 order by 2 desc, 1 limit {BUSY}
"""  # noqa: S608 - constants
_STATE = "select now() as now, exists (select from message where tenant_id = %(tenant)s) as written"
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
    """Counts by kind, one for each of `points`: every point of time of the range, whether something happened or not."""

    points: Sequence[datetime]
    counts: Mapping[str, Sequence[int]]

    def series(self, what: str) -> Sequence[int]:
        """Return one kind, by point."""
        return self.counts.get(what) or [0] * len(self.points)

    def quantiles(self, share: float) -> list[float | None]:
        """Return the reply time that so large a share of each point's replies stayed within, in milliseconds."""
        buckets, by_point = self._latencies
        return [_reached(zip(buckets, counts, strict=True), sum(counts), share) for counts in by_point]

    @cached_property
    def total(self) -> Mapping[str, int]:
        """Return the whole range's counts."""
        return {what: sum(counts) for what, counts in self.counts.items()}

    @cached_property
    def _latencies(self) -> tuple[Sequence[int], Sequence[Sequence[int]]]:
        """Return which buckets of reply times there are, in order, and how many replies each point has in them."""
        buckets = _buckets(self.counts)
        return buckets, list(zip(*(self.counts[f"{_LATENCY}{it}"] for it in buckets), strict=True))


@dataclass(frozen=True)
class Now:
    """How it is just now. `active`: conversations in which somebody wrote within the hour; `at_least`: or more."""

    active: int
    at_least: bool
    oldest: datetime | None


@dataclass(frozen=True)
class Monitoring:
    """Reads it, for one company, on a connection that sees its rows."""

    connection: Connection
    tenant: TenantId

    async def state(self) -> tuple[datetime, DictRow | None]:
        """Return the database's time, which everything here is measured by; and which steps to a first message are done, until there is one."""
        row = await self._one(_STATE)
        return row["now"], None if row["written"] else await self._one(_SETUP)

    async def traffic(self, over: Range, now: datetime) -> Traffic:
        """Return the counts of a range."""
        since, until = over.bounds(now)
        rows = await self._all(_READ, grain=over.grain, step=over.step, since=since, until=until)
        points = [since + n * over.step for n in range(over.length // over.step)]
        counts = {row["what"]: [0] * len(points) for row in rows}
        for row in rows:
            series = counts[row["what"]]
            for n, count in zip(row["points"], row["counts"], strict=True):
                series[n] = count
        return Traffic(points, counts)

    async def at_present(self, now: datetime) -> Now:
        """Return what is true just now."""
        active, oldest = await self._one(_ACTIVE, now=now), await self._one(_OLDEST)
        return Now(active["conversations"], active["read"] >= ACTIVE_READ, oldest["since"])

    async def busiest(self, over: Range, now: datetime) -> list[DictRow]:
        """
        Return who wrote most: contacts and how many messages.

        Of whole hours the busiest are counted already; a range of one hour is read from the messages themselves.
        """
        since, until = over.bounds(now)
        whole = until if over.length == _HOUR else _EPOCH - (_EPOCH - since) // _HOUR * _HOUR
        return await self._all(_BUSIEST, since=since, whole=whole, until=until)

    async def _all(self, query: str, **asked: object) -> list[DictRow]:
        return await (await self.connection.execute(query, {"tenant": self.tenant, **asked})).fetchall()

    async def _one(self, query: str, **asked: object) -> DictRow:
        (row,) = await self._all(query, **asked)
        return row


def quantile(counts: Mapping[str, int], share: float) -> float | None:
    """Return the middle of the bucket in which a share of the reply times is reached, in milliseconds; None without any."""
    replies = [(bucket, counts[f"{_LATENCY}{bucket}"]) for bucket in _buckets(counts)]
    return _reached(replies, sum(n for _, n in replies), share)


def _buckets(kinds: Iterable[str]) -> list[int]:
    return sorted(int(what.removeprefix(_LATENCY)) for what in kinds if what.startswith(_LATENCY))


def _reached(replies: Iterable[tuple[int, int]], total: int, share: float) -> float | None:
    seen = 0
    for bucket, n in replies if total else ():
        seen += n
        if seen >= share * total:
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
