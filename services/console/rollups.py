"""
Keeps the counts that monitoring shows: by minute and by hour, of each company (ADR 22).

A run reads what was added since the last one, and a little of what came before, to learn which minutes have changed; these it
counts anew as a whole. So it does not matter how often something is read, nor when a run dies.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from operator import itemgetter

from psycopg.rows import DictRow

from services.console.job import alone
from shared.store.session import Connection, Store

EVERY = 5.0
KEPT_DAYS = 32
BUSIEST = 50
"""How many people of an hour are kept. Who is never among them is in no list of the busiest."""

BUCKETS: Sequence[float] = [50 * 1.25**n for n in range(45)]
"""Where buckets of reply times begin, in milliseconds: up to 15 minutes, each a quarter wider than the one before."""

_LOCK, _EXPIRY_LOCK = 0x726F6C6C757073, 0x726F6C6C657870
_BATCH = 2_000
_OVERLAP = "5 minutes"
"""
What is read again in each run: rows become visible later than their ids are made, by the length of a transaction and by what the
services' clocks differ.
"""
_UNSETTLED_DAYS = 3


@dataclass(frozen=True)
class Feed:
    """
    Rows that are only ever added, in the order of their ids: `place`; `tenant_id` and `at`, whose minute of what they change;
    `settled`, whether they are older than the overlap. `first`: before every id. `counts_people`: whether the busiest change.
    """

    name: str
    query: str
    first: str | int
    counts_people: bool = False


_FEEDS = (
    Feed(
        "message",
        f"""
        select id as place, tenant_id, received_at as at, routed_at < now() - interval '{_OVERLAP}' as settled
        from message where id > %(place)s order by id limit %(most)s
        """,  # noqa: S608 - constants
        "",
        counts_people=True,
    ),
    Feed(
        "attempt",
        f"""
        select attempt.id as place, part.tenant_id, part.created_at as at,
               attempt.started_at < now() - interval '{_OVERLAP}' as settled
        from (select * from attempt where id > %(place)s order by id limit %(most)s) as attempt
        left join part on part.id = attempt.part_id order by attempt.id
        """,  # noqa: S608 - constants
        "",
    ),
    Feed(
        "report",
        f"""
        select report.id as place, part.tenant_id, part.created_at as at, stored_at < now() - interval '{_OVERLAP}' as settled
        from (select * from status_event where id > %(place)s order by id limit %(most)s) as report
        left join part on part.id = report.part_id and report.status in ('failed', 'undelivered') order by report.id
        """,  # noqa: S608 - constants
        0,
    ),
    Feed(
        "letter",
        f"""
        select letter.id as place, letter.tenant_id, coalesce(part.created_at, letter.created_at) as at,
               letter.created_at < now() - interval '{_OVERLAP}' as settled
        from (
          select *, case when stage = 'egress' and payload ~ '^part/[0-9]+$' then split_part(payload, '/', 2)::bigint end as part
          from dead_letter where id > %(place)s order by id limit %(most)s
        ) as letter left join part on part.id = letter.part order by letter.id
        """,  # noqa: S608 - constants
        "",
    ),
)

_UNSETTLED = f"""
select tenant_id, at from traffic
where what = 'unsettled' and grain = 'minute' and at > now() - interval '{_UNSETTLED_DAYS} days' order by tenant_id, at
"""  # noqa: S608 - constants

# `lateral … offset 0`: each minute is looked up by the index. Row-level security hides from the planner how many rows there are,
# and it would rather read whole tables.
_MINUTES = """
with changed as materialized (
  select tenant, minute, minute + interval '1 minute' as next from unnest(%(tenants)s::text[], %(times)s::timestamptz[]) as it(tenant, minute)
),
inbound as (
  select tenant, minute, outcome in ('rate_limited', 'over_limit') as is_limited from changed cross join lateral (
    select outcome from message where message.tenant_id = tenant and received_at >= minute and received_at < next offset 0
  ) as message where outcome <> 'erased'
),
outbound as (
  select tenant, minute, part.state, part.accepted_at is not null as is_out,
         case when part.ordinal = 1 and reply.kind <> 'human' and part.accepted_at is not null
              then extract(epoch from part.accepted_at - reply.received_at) * 1000 end as ms
  from changed cross join lateral (
    select * from part where part.tenant_id = tenant and part.created_at >= minute and part.created_at < next offset 0
  ) as part cross join lateral (select kind, received_at from reply where reply.id = part.reply_id offset 0) as reply
),
letters as (
  select tenant, minute, case when stage = 'agent' then 'given_up/agent' else 'given_up/other' end as what
  from changed cross join lateral (
    select stage from dead_letter where dead_letter.tenant_id = tenant and created_at >= minute and created_at < next offset 0
  ) as letter where stage <> 'egress'
),
counted as (
  select tenant, minute, 'in' as what, count(*) from inbound group by 1, 2
  union all select tenant, minute, 'limited', count(*) from inbound where is_limited group by 1, 2
  union all select tenant, minute, 'out', count(*) from outbound where is_out group by 1, 2
  union all select tenant, minute, state, count(*) from outbound where state in ('failed', 'undelivered') group by 1, 2, 3
  union all select tenant, minute, 'unsettled', count(*) from outbound where state in ('sending', 'unknown') group by 1, 2
  union all select tenant, minute, 'latency/' || width_bucket(ms::float8, %(buckets)s::float8[]), count(*)
  from outbound where ms is not null group by 1, 2, 3
  union all select tenant, minute, what, count(*) from letters group by 1, 2, 3
)
insert into traffic (tenant_id, grain, at, what, count) select tenant, 'minute', minute, what, count from counted
"""
_DROP = """
delete from traffic using unnest(%(tenants)s::text[], %(times)s::timestamptz[]) as it(tenant, start)
where traffic.tenant_id = tenant and grain = %(grain)s and at = start
"""
_HOURS = """
with changed as materialized (
  select tenant, hour, hour + interval '1 hour' as next from unnest(%(tenants)s::text[], %(times)s::timestamptz[]) as it(tenant, hour)
)
insert into traffic (tenant_id, grain, at, what, count)
select tenant, 'hour', hour, what, sum(count) from changed cross join lateral (
  select what, count from traffic where traffic.tenant_id = tenant and grain = 'minute' and at >= hour and at < next offset 0
) as minutes group by 1, 3, 4
"""
_DROP_PEOPLE = """
delete from traffic_contact using unnest(%(tenants)s::text[], %(times)s::timestamptz[]) as it(tenant, start)
where traffic_contact.tenant_id = tenant and traffic_contact.hour = start
"""
_PEOPLE = f"""
with changed as materialized (
  select tenant, hour, hour + interval '1 hour' as next from unnest(%(tenants)s::text[], %(times)s::timestamptz[]) as it(tenant, hour)
)
insert into traffic_contact (tenant_id, hour, contact_id, messages)
select tenant, hour, contact_id, messages from changed cross join lateral (
  select contact_id, count(*) as messages from (
    select conversation_id from message where message.tenant_id = tenant and received_at >= hour and received_at < next offset 0
  ) as written cross join lateral (select contact_id from conversation where id = conversation_id offset 0) as theirs
  group by contact_id order by messages desc, contact_id limit {BUSIEST}
) as busiest
"""  # noqa: S608 - constants
_KEEP_PLACE = """
insert into rollup_place (feed, place) values (%s, %s) on conflict (feed) do update set place = excluded.place
"""
_EXPIRED = (
    f"""
    delete from traffic using (
      select old.* from tenant cross join unnest(array['minute', 'hour']) as kind(grain) cross join lateral (
        select tenant_id, traffic.grain, at, what from traffic
        where tenant_id = tenant.id and traffic.grain = kind.grain and at < now() - interval '{KEPT_DAYS} days' limit {_BATCH}
      ) as old limit {_BATCH}
    ) as old
    where traffic.tenant_id = old.tenant_id and traffic.grain = old.grain and traffic.at = old.at and traffic.what = old.what
    """,  # noqa: S608 - constants
    f"""
    delete from traffic_contact using (
      select old.* from tenant cross join lateral (
        select tenant_id, hour, contact_id from traffic_contact
        where tenant_id = tenant.id and hour < now() - interval '{KEPT_DAYS} days' limit {_BATCH}
      ) as old limit {_BATCH}
    ) as old
    where traffic_contact.tenant_id = old.tenant_id and traffic_contact.hour = old.hour
      and traffic_contact.contact_id = old.contact_id
    """,  # noqa: S608 - constants
)

Minute = tuple[str, datetime]
"""Whose, and when it begins."""


@dataclass(frozen=True)
class Rollups:
    """The job."""

    store: Store

    async def run(self) -> int:
        """Count what has changed; return how many minutes that were. Raises AlreadyRunning."""
        counted = 0
        async with alone(self.store, _LOCK) as connection:
            for feed in _FEEDS:
                counted += await _follow(connection, feed)
            rows = await (await connection.execute(_UNSETTLED)).fetchall()
            for batch in (rows[n : n + _BATCH] for n in range(0, len(rows), _BATCH)):
                async with connection.transaction():
                    counted += await _count(connection, batch, people=False)
        return counted

    async def expire(self) -> None:
        """Let what no page shows any more go. Raises AlreadyRunning."""
        async with alone(self.store, _EXPIRY_LOCK) as connection:
            for statement in _EXPIRED:
                while (await connection.execute(statement)).rowcount:
                    pass


async def _follow(connection: Connection, feed: Feed) -> int:
    """Count the minutes that a feed tells of, a batch and a transaction at a time, up to its present end."""
    counted = 0
    async for rows in _batches(connection, feed):
        async with connection.transaction():
            counted += await _count(connection, rows, people=feed.counts_people)
            if settled := [row["place"] for row in takewhile(itemgetter("settled"), rows)]:
                await connection.execute(_KEEP_PLACE, (feed.name, str(settled[-1])))
    return counted


async def _batches(connection: Connection, feed: Feed) -> AsyncIterator[list[DictRow]]:
    kept = await (await connection.execute("select place from rollup_place where feed = %s", (feed.name,))).fetchone()
    place = feed.first if kept is None else type(feed.first)(kept["place"])
    while True:
        rows = await (await connection.execute(feed.query, {"place": place, "most": _BATCH})).fetchall()
        if rows:
            yield rows
        if len(rows) < _BATCH:
            return
        place = rows[-1]["place"]


async def _count(connection: Connection, rows: Iterable[DictRow], *, people: bool) -> int:
    """Count anew the minutes of these rows, and the hours that they are in."""
    row = await (await connection.execute(f"select now() - interval '{KEPT_DAYS} days' as oldest")).fetchone()
    assert row is not None, "a select without a table has one row"  # noqa: S101
    minutes = sorted(
        {
            (it["tenant_id"], it["at"].replace(second=0, microsecond=0))
            for it in rows
            if it["at"] and it["at"] > row["oldest"]
        }
    )
    if not minutes:
        return 0
    hours = sorted({(tenant, minute.replace(minute=0)) for tenant, minute in minutes})
    of_minutes, of_hours = _values(minutes), _values(hours)
    await connection.execute(_DROP, {**of_minutes, "grain": "minute"})
    await connection.execute(_MINUTES, {**of_minutes, "buckets": list(BUCKETS)})
    await connection.execute(_DROP, {**of_hours, "grain": "hour"})
    await connection.execute(_HOURS, of_hours)
    if people:
        await connection.execute(_DROP_PEOPLE, of_hours)
        await connection.execute(_PEOPLE, of_hours)
    return len(minutes)


def _values(minutes: Sequence[Minute]) -> dict[str, list[object]]:
    return {"tenants": [tenant for tenant, _ in minutes], "times": [start for _, start in minutes]}
