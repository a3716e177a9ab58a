"""
Keeps the counts that monitoring shows: by minute and by hour, of each company (ADR 22).

A run reads what was added since the last one, and a little of what came before, to learn which minutes have changed; these it
counts anew as a whole. So it does not matter how often something is read, nor when a run dies.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.console.job import alone
from shared.store.session import Connection, Store

EVERY, PEOPLE_EVERY = 5.0, 30.0
KEPT_DAYS = 32
BUSIEST = 50
"""How many people of an hour are kept. Who is never among them is in no list of the busiest."""

BUCKETS: Sequence[float] = [50 * 1.25**n for n in range(45)]
"""Where buckets of reply times begin, in milliseconds: up to 15 minutes, each a quarter wider than the one before."""

_LOCK, _PEOPLE_LOCK, _EXPIRY_LOCK = 0x726F6C6C757073, 0x726F6C6C70656F, 0x726F6C6C657870
_BATCH, _STRETCHES_AT_ONCE, _HOURS_AT_ONCE = 10_000, 50, 20
"""How much one statement counts; a busy company's hour is much, so that statements have longer than a page's have."""
_PATIENCE = "set local statement_timeout = '60s'"
_EXPIRED_AT_ONCE = 2_000
_OVERLAP = "5 minutes"
"""
What is read again in each run: rows become visible later than their ids are made, by the length of a transaction and by what the
services' clocks differ.
"""
_UNSETTLED_DAYS = 3


# `lateral … offset 0`, here and below: rows that belong to another are looked up by the index. A plan that is made for any limit, and
# row-level security, hide from the planner how few they are; it would rather read whole tables.


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
        left join lateral (select tenant_id, created_at from part where id = attempt.part_id offset 0) as part on true
        """,  # noqa: S608 - constants
        "",
    ),
    Feed(
        "report",
        f"""
        select report.id as place, part.tenant_id, part.created_at as at, stored_at < now() - interval '{_OVERLAP}' as settled
        from (select * from status_event where id > %(place)s order by id limit %(most)s) as report
        left join lateral (
          select tenant_id, created_at from part where id = report.part_id and report.status in ('failed', 'undelivered') offset 0
        ) as part on true
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
        ) as letter left join lateral (select created_at from part where id = letter.part offset 0) as part on true
        """,  # noqa: S608 - constants
        "",
    ),
)

_STRETCHES = f"""
select tenant_id as tenant, date_trunc('hour', at) as hour, min(date_trunc('minute', at)) as since,
       max(date_trunc('minute', at)) + interval '1 minute' as until
from changed where at > now() - interval '{KEPT_DAYS} days' group by 1, 2
"""  # noqa: S608 - constants
_READ = """
with changed as materialized ({query}),
told as (select count(*) as read, max(place)::text as newest, min(place) filter (where not settled) as unsettled from changed),
kept as (select max(place)::text as kept from changed, told where unsettled is null or place < unsettled)
select told.read, told.newest, kept.kept, stretch.* from told cross join kept left join ({stretches}) as stretch on true
"""
_UNSETTLED = f"""
with changed as (
  select tenant_id, at from traffic
  where what = 'unsettled' and grain = 'minute' and at > now() - interval '{_UNSETTLED_DAYS} days'
) {_STRETCHES}
"""  # noqa: S608 - constants

_CHANGED = """
with changed as materialized (
  select * from unnest(%(tenants)s::text[], %(hours)s::timestamptz[], %(since)s::timestamptz[], %(until)s::timestamptz[])
  as it(tenant, hour, since, until)
)
"""
_MINUTES = f"""
{_CHANGED},
inbound as (
  select tenant, date_trunc('minute', received_at) as minute, outcome in ('rate_limited', 'over_limit') as is_limited
  from changed cross join lateral (
    select received_at, outcome from message where message.tenant_id = tenant and received_at >= since and received_at < until offset 0
  ) as message where outcome <> 'erased'
),
outbound as (
  select tenant, date_trunc('minute', part.created_at) as minute, part.accepted_at is not null as is_out,
         case when state = 'failed' and part.accepted_at is not null then 'undelivered' else state end as state,
         case when part.ordinal = 1 and reply.kind <> 'human' and part.accepted_at is not null
              then extract(epoch from part.accepted_at - reply.received_at) * 1000 end as ms
  from changed cross join lateral (
    select state, ordinal, reply_id, created_at, accepted_at from part
    where part.tenant_id = tenant and part.created_at >= since and part.created_at < until offset 0
  ) as part cross join lateral (select kind, received_at from reply where reply.id = part.reply_id offset 0) as reply
),
letters as (
  select tenant, date_trunc('minute', created_at) as minute, case when stage = 'agent' then 'given_up/agent' else 'given_up/other' end as what
  from changed cross join lateral (
    select stage, created_at from dead_letter where dead_letter.tenant_id = tenant and created_at >= since and created_at < until offset 0
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
"""  # noqa: S608 - constants
_DROP_MINUTES = f"""
{_CHANGED} delete from traffic where ctid = any(array(
  select row from changed cross join lateral (
    select ctid as row from traffic where tenant_id = tenant and grain = 'minute' and at >= since and at < until offset 0
  ) as minutes
))
"""  # noqa: S608 - constants
_DROP_HOURS = f"""
{_CHANGED} delete from traffic where ctid = any(array(
  select row from changed cross join lateral (
    select ctid as row from traffic where tenant_id = tenant and grain = 'hour' and at = hour offset 0
  ) as hours
))
"""  # noqa: S608 - constants
_HOURS = f"""
{_CHANGED}
insert into traffic (tenant_id, grain, at, what, count)
select tenant, 'hour', hour, what, sum(count) from changed cross join lateral (
  select what, count from traffic where traffic.tenant_id = tenant and grain = 'minute' and at >= hour and at < hour + interval '1 hour' offset 0
) as minutes group by 1, 3, 4
"""  # noqa: S608 - constants

_MARK = """
insert into traffic (tenant_id, grain, at, what, count)
select tenant, 'people', hour, 'due', 0 from unnest(%(tenants)s::text[], %(hours)s::timestamptz[]) as it(tenant, hour)
on conflict do nothing
"""
"""Notes that the people of an hour are to be counted: that reads the whole hour, which not every run can afford."""
_DUE = f"""
select due.tenant_id as tenant, due.at as hour from tenant cross join lateral (
  select tenant_id, at from traffic where tenant_id = tenant.id and grain = 'people' order by at desc limit {_HOURS_AT_ONCE}
) as due order by at desc limit {_HOURS_AT_ONCE}
"""  # noqa: S608 - constants
_HOURS_OF = "with changed as materialized (select * from unnest(%(tenants)s::text[], %(hours)s::timestamptz[]) as it(tenant, hour))"
_UNMARK = f"""
{_HOURS_OF} delete from traffic where ctid = any(array(
  select row from changed cross join lateral (
    select ctid as row from traffic where tenant_id = tenant and grain = 'people' and at = hour offset 0
  ) as marks
))
"""  # noqa: S608 - constants
_DROP_PEOPLE = f"""
{_HOURS_OF} delete from traffic_contact where ctid = any(array(
  select row from changed cross join lateral (
    select ctid as row from traffic_contact where tenant_id = tenant and traffic_contact.hour = changed.hour offset 0
  ) as people
))
"""  # noqa: S608 - constants
_PEOPLE = f"""
{_HOURS_OF}
insert into traffic_contact (tenant_id, hour, contact_id, messages)
select tenant, hour, contact_id, messages from changed cross join lateral (
  select contact_id, sum(written) as messages from (
    select conversation_id, count(*) as written from message
    where message.tenant_id = tenant and received_at >= hour and received_at < hour + interval '1 hour' group by 1 offset 0
  ) as chat cross join lateral (select contact_id from conversation where id = conversation_id offset 0) as theirs
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
        where tenant_id = tenant.id and traffic.grain = kind.grain and at < now() - interval '{KEPT_DAYS} days' limit {_EXPIRED_AT_ONCE}
      ) as old limit {_EXPIRED_AT_ONCE}
    ) as old
    where traffic.tenant_id = old.tenant_id and traffic.grain = old.grain and traffic.at = old.at and traffic.what = old.what
    """,  # noqa: S608 - constants
    f"""
    delete from traffic_contact using (
      select old.* from tenant cross join lateral (
        select tenant_id, hour, contact_id from traffic_contact
        where tenant_id = tenant.id and hour < now() - interval '{KEPT_DAYS} days' limit {_EXPIRED_AT_ONCE}
      ) as old limit {_EXPIRED_AT_ONCE}
    ) as old
    where traffic_contact.tenant_id = old.tenant_id and traffic_contact.hour = old.hour
      and traffic_contact.contact_id = old.contact_id
    """,  # noqa: S608 - constants
)


@dataclass(frozen=True)
class Stretch:
    """Minutes of one company that are counted anew: within an hour, from `since` to before `until`."""

    tenant: str
    hour: datetime
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Batch:
    """What a feed told. `newest`: the last place of it; `kept`: up to where nothing can become visible any more."""

    feed: Feed
    stretches: Sequence[Stretch]
    newest: str | None
    kept: str | None
    is_full: bool


@dataclass(frozen=True)
class Rollups:
    """The job."""

    store: Store

    async def run(self) -> int:
        """Count what has changed; return how many stretches of minutes that were. Raises AlreadyRunning."""
        counted = 0
        async with alone(self.store, _LOCK) as connection:
            places = await _places(connection)
            doubtful = await _doubtful(connection)
            feeds: Collection[Feed] = _FEEDS
            while feeds:
                batches = [await _read(connection, feed, places.get(feed.name)) for feed in feeds]
                counted += await _take(connection, batches, doubtful)
                places |= {batch.feed.name: batch.newest for batch in batches if batch.newest}
                feeds, doubtful = [batch.feed for batch in batches if batch.is_full], []
        return counted

    async def count_people(self) -> int:
        """Count the busiest of each hour in which somebody wrote since; return of how many. Raises AlreadyRunning."""
        counted = 0
        async with alone(self.store, _PEOPLE_LOCK) as connection:
            while rows := await (await connection.execute(_DUE)).fetchall():
                hours = {"tenants": [row["tenant"] for row in rows], "hours": [row["hour"] for row in rows]}
                async with connection.transaction():
                    await connection.execute(_PATIENCE)
                    for statement in (_UNMARK, _DROP_PEOPLE, _PEOPLE):
                        await connection.execute(statement, hours)
                counted += len(rows)
        return counted

    async def expire(self) -> None:
        """Let what no page shows any more go. Raises AlreadyRunning."""
        async with alone(self.store, _EXPIRY_LOCK) as connection:
            for statement in _EXPIRED:
                while (await connection.execute(statement)).rowcount:
                    pass


async def _places(connection: Connection) -> dict[str, str]:
    rows = await (await connection.execute("select feed, place from rollup_place")).fetchall()
    return {row["feed"]: row["place"] for row in rows}


async def _doubtful(connection: Connection) -> list[Stretch]:
    """Return where an outcome is unknown: that changes without a new row."""
    return [Stretch(**row) for row in await (await connection.execute(_UNSETTLED)).fetchall()]


async def _read(connection: Connection, feed: Feed, place: str | None) -> Batch:
    """Return what a feed tells behind a place."""
    asked = {"place": feed.first if place is None else type(feed.first)(place), "most": _BATCH}
    rows = await (await connection.execute(_READ.format(query=feed.query, stretches=_STRETCHES), asked)).fetchall()
    stretches = [Stretch(row["tenant"], row["hour"], row["since"], row["until"]) for row in rows if row["tenant"]]
    return Batch(feed, stretches, rows[0]["newest"], rows[0]["kept"], rows[0]["read"] == _BATCH)


async def _take(connection: Connection, batches: Sequence[Batch], doubtful: Sequence[Stretch]) -> int:
    """Count anew what some batches tell of, and keep their places, in one transaction."""
    changed = _merged([*(stretch for batch in batches for stretch in batch.stretches), *doubtful])
    written = [stretch for batch in batches if batch.feed.counts_people for stretch in batch.stretches]
    async with connection.transaction():
        await connection.execute(_PATIENCE)
        for n in range(0, len(changed), _STRETCHES_AT_ONCE):
            of_these = {**_values(changed[n : n + _STRETCHES_AT_ONCE]), "buckets": list(BUCKETS)}
            for statement in (_DROP_MINUTES, _MINUTES, _DROP_HOURS, _HOURS):
                await connection.execute(statement, of_these)
        if written:
            await connection.execute(_MARK, _values(written))
        for batch in batches:
            if batch.kept is not None:
                await connection.execute(_KEEP_PLACE, (batch.feed.name, batch.kept))
    return len(changed)


def _merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Return one stretch of each company and hour that has any: what lies between two of them is counted with them."""
    found: dict[tuple[str, datetime], Stretch] = {}
    for it in stretches:
        other = found.get((it.tenant, it.hour), it)
        found[it.tenant, it.hour] = Stretch(it.tenant, it.hour, min(it.since, other.since), max(it.until, other.until))
    return [found[key] for key in sorted(found)]


def _values(stretches: Sequence[Stretch]) -> Mapping[str, Any]:
    return {
        "tenants": [it.tenant for it in stretches],
        "hours": [it.hour for it in stretches],
        "since": [it.since for it in stretches],
        "until": [it.until for it in stretches],
    }
