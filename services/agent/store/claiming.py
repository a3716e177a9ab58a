"""Who runs a thread's turn: claimed with a fence, kept by a lease, given back."""

from dataclasses import replace
from typing import Any

from psycopg.rows import DictRow

from services.agent.store.reading import open_turn
from services.agent.store.rows import BURST_OVER, TurnRows
from services.agent.store.work import Claim
from shared.fairness import FAIR_ORDER
from shared.ids import LineId, Sequence, TenantId, ThreadKey
from shared.metrics import TAKEOVERS
from shared.store.presence import OWNER_IS_DEAD
from shared.store.session import Connection

_FREE = f"(owner is null or owner = %(owner)s or lease_until < now() or {OWNER_IS_DEAD.format(column='owner')})"
"""A claim of this very process counts as free: it only ever claims a thread that it is not busy with."""

_LEASE = "15 s"
_CLAIM = """
with claimed as (
  update thread set owner = %(owner)s, fence = fence + 1, lease_until = now() + interval '{lease}'
  where key = %(thread)s and done_seq < asked_seq and run_at <= now() and {alone} and {free}
  returning key, tenant_id, guests, line_id, fence, done_seq, asked_seq, run_at as due_at,
            old.owner <> %(owner)s as taken_over
)
select thread.root, claimed.* from thread left join claimed on true where thread.key = %(thread)s
"""
"""Takes a thread's due turn. Without one it still tells the root, where the person has several threads on the line."""

_CLAIM_ALONE = _CLAIM.format(lease=_LEASE, free=_FREE, alone="root is null")

_LOCK_GROUP = "select 1 from thread where key = %(root)s for update nowait"
_GUESTS = "select distinct unnest(guests) as guest from thread where root = %(root)s"
_FIRST_ASKED = "(select min(seq) from message where message.thread = {thread}.key and seq > {thread}.done_seq and outcome = 'asked')"
_NONE_BEFORE = f"""
not exists (
  select 1 from thread as other where other.root = %(root)s and other.key <> %(thread)s
    and ((other.owner is not null and other.lease_until >= now() and not {OWNER_IS_DEAD.format(column="other.owner")})
         or (other.done_seq < other.asked_seq
             and {_FIRST_ASKED.format(thread="other")} < {_FIRST_ASKED.format(thread="thread")})))
"""  # noqa: S608 - constants
"""Of a person's threads one has its turn at a time, and first the one that was asked first (ADR 14)."""

_CLAIM_IN_GROUP = _CLAIM.format(lease=_LEASE, free=_FREE, alone=_NONE_BEFORE)
_RENEW = f"""
update thread set lease_until = now() + interval '{_LEASE}'
where key = %(thread)s and fence = %(fence)s and owner = %(owner)s
returning case when {BURST_OVER} then %(asked)s else asked_seq end as asked_seq
"""  # noqa: S608 - constants
_DUE = FAIR_ORDER.format(
    due=f"""
      select tenant_id, key, run_at as since from thread_schedule
      where done_seq < asked_seq and run_at <= now() - %(patience)s * interval '1 s' and {_FREE}
    """,  # noqa: S608 - constants
    each=50,
)


class Claiming(TurnRows):
    """Takes turns, keeps them, gives them back."""

    async def claim(self, tenant: TenantId, thread: ThreadKey) -> Claim | None:
        """Take a thread's due turn and open it, unless somebody alive has it. `tenant`: the line's."""
        async with self.store.transaction(tenant) as connection:
            row = await self._claimed(connection, tenant, thread)
            if row is None:
                return None
            if row["taken_over"]:
                TAKEOVERS.labels("agent").inc()
            scope = (tenant, *row["guests"])
            if row["guests"]:
                await self.store.widen(connection, *scope)
            claim = Claim(
                ThreadKey(row["key"]),
                scope[-1],
                scope,
                LineId(row["line_id"]),
                row["fence"],
                Sequence(row["done_seq"]),
                Sequence(row["asked_seq"]),
                due_at=row["due_at"],
            )
            return replace(claim, opened=await open_turn(connection, claim))

    async def _claimed(self, connection: Connection, tenant: TenantId, thread: ThreadKey) -> DictRow | None:
        values = {"owner": self.owner, "thread": thread}
        row = await (await connection.execute(_CLAIM_ALONE, values)).fetchone()
        if row is not None and row["root"] is not None:
            return await self._claimed_in_group(connection, tenant, values | {"root": row["root"]})
        return row if row is not None and row["key"] is not None else None

    async def _claimed_in_group(
        self, connection: Connection, tenant: TenantId, values: dict[str, Any]
    ) -> DictRow | None:
        """Claim one of a person's threads, by what the others have to do now: whoever claims one holds their root."""
        await connection.execute(_LOCK_GROUP, values)
        guests = [row["guest"] for row in await (await connection.execute(_GUESTS, values)).fetchall()]
        if guests:
            await self.store.widen(connection, tenant, *guests)
        row = await (await connection.execute(_CLAIM_IN_GROUP, values)).fetchone()
        return row if row is not None and row["key"] is not None else None

    async def renew(self, claim: Claim) -> Claim | None:
        """Prolong the lease. Returns the claim, widened by what was asked since in the same burst; None once it is lost."""
        rows = await self.store.rows(_RENEW, self.facts(claim), *claim.scope)
        if not rows:
            return None
        asked = Sequence(rows[0]["asked_seq"])
        return replace(claim, asked_seq=asked, opened=claim.opened if asked == claim.asked_seq else None)

    async def release(self, claim: Claim) -> None:
        """Give the thread back unanswered."""
        async with self.store.connection(*claim.scope) as connection:
            await connection.execute(
                "update thread set owner = null, run_at = now() where key = %s and fence = %s",
                (claim.thread, claim.fence),
            )

    async def due(self, patience: float) -> list[tuple[TenantId, ThreadKey]]:
        """Return threads whose turn was due so many seconds ago and that nobody alive runs, each tenant in its turn."""
        rows = await self.store.rows(_DUE, {"owner": self.owner, "patience": patience})
        return [(TenantId(row["tenant_id"]), ThreadKey(row["key"])) for row in rows]
