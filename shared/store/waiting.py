"""How long work in the tables waits, by stage: what the scalers and the alerts read."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.metrics import EXPIRED_LEASE, OLDEST_WAITING
from shared.store.session import Store

_WAITING = """
select coalesce(max(waited) filter (where free), 0)::float8 as waiting, coalesce(max(expired), 0)::float8 as expired
from (
  select extract(epoch from now() - {since}) as waited, {owner} is null or {until} < now() as free,
         case when {owner} is not null then extract(epoch from now() - {until}) end as expired
  from thread_schedule where {due} and {since} <= now() order by {since} limit 1000
) as due
"""
"""Reads the oldest of what is due by its index, and so costs the same however much waits."""


@dataclass(frozen=True)
class Stage:
    """Where a stage's work stands in `thread_schedule`: what is due, since when, who has it, and until when."""

    name: str
    due: str
    since: str
    owner: str
    until: str


TURNS = Stage("agent", "done_seq < asked_seq", "run_at", "owner", "lease_until")
SENDS = Stage("egress", "send_at is not null", "send_at", "out_owner", "out_until")


def waiting(store: Store, stage: Stage) -> Callable[[], Awaitable[None]]:
    """Return what measures how long the oldest work waits that nobody is at, and how long a lease is over that nobody took."""
    statement = _WAITING.format(since=stage.since, owner=stage.owner, until=stage.until, due=stage.due)

    async def measure() -> None:
        async with store.connection() as connection:
            row = await (await connection.execute(statement)).fetchone()
        assert row is not None, "an aggregate has a row"  # noqa: S101
        OLDEST_WAITING.labels(stage.name).set(row["waiting"])
        EXPIRED_LEASE.labels(stage.name).set(max(0.0, row["expired"]))

    return measure
