"""The SQL behind delivery reports: which part one speaks of, and how it moves that part."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import DictRow

from services.egress import parts
from services.egress.outcomes import close_reply, fail_part, record_accepted
from services.egress.statements import SUPERSEDED
from shared.events import PartReported
from shared.failures import SendFailure
from shared.faultpoints import Step
from shared.ids import AttemptId, PartId, ReplyId, TenantId, ThreadKey
from shared.store.session import Connection, Store

_KNOWN = """
select known.* from (
  select thread, part, tenant_id from part_known where attempt = %(attempt)s and line_tenant = %(tenant)s
  union all
  select thread, part, tenant_id from part_known where provider_sid = %(sid)s and line_tenant = %(tenant)s
  limit 1
) as known join thread on thread.key = known.thread
for update of thread nowait
"""
"""
Finds a part by an attempt's id or the provider's, whoever it is for: on a shared line, a user's tenant; but only of the line's
own tenant, whose report it is. Locks its thread, as every writer does.
"""

_REPORT = f"""
with found as (
  select part.id as part, part.reply_id as reply, part.ordinal, part.thread, part.tenant_id, part.state as before,
         part.provider_sid, part.accepted_at, reply.trace, reply.received_at, attempt.id as attempt,
         attempt.outcome = '{SUPERSEDED}' and not %(proof)s as superseded,
         exists (select 1 from reply other where other.thread = part.thread and other.state in ('open', 'cut')) as more
  from part join reply on reply.id = part.reply_id
  join attempt on attempt.part_id = part.id and (attempt.id = %(attempt)s or attempt.provider_sid = %(sid)s)
  where part.id = %(part)s limit 1
),
logged as (
  insert into status_event (tenant_id, part_id, provider_sid, status, error_code, reported_at)
  select tenant_id, part, %(sid)s, %(status)s, %(code)s, %(at)s from found
  on conflict (provider_sid, status) do nothing returning 1
),
moved as (
  update part set state = %(towards)s from found, logged
  where part.id = found.part and not superseded and found.before = any(%(below)s)
)
select found.*, now() as now from found cross join logged where not superseded
"""  # noqa: S608 - constants
"""
Writes a report down, once, and moves its part forward. Nothing comes back for one that was stored before, or that speaks of an
attempt which a later one took the place of: the part goes another way by now, unless this proves that it arrived.

It has to be a statement of its own, after the one that locks the thread, lest it reads of the time before.
"""


@dataclass(frozen=True)
class Reported:
    """The part that a report spoke of, and how far its reply has come."""

    thread: ThreadKey
    reply: ReplyId
    before: str
    after: str
    first: bool
    received_at: datetime
    now: datetime
    accepted_at: datetime | None
    """When the provider took the part; None where this report is the first to tell."""
    trace: dict[str, str]
    """Of the reply."""
    more: bool
    """Whether the thread has more to send."""


@dataclass(frozen=True)
class Reports:
    """Where reports are written down."""

    store: Store

    async def record(self, report: PartReported, failure: SendFailure | None) -> Reported | None:
        """Store a report and move its part forward; None where it speaks of nothing we sent, or was stored before."""
        towards = parts.reported(report.status)
        if towards is None:
            return None
        async with self.store.transaction(report.tenant, step=Step.EGRESS_REPORT) as connection:
            row = await self._written(connection, report, towards)
            if row is None:
                return None
            after = parts.advanced(row["before"], towards)
            await _settle(connection, report, row, after, failure)
        return Reported(
            ThreadKey(row["thread"]),
            ReplyId(row["reply"]),
            row["before"],
            after,
            row["ordinal"] == 1,
            row["received_at"],
            row["now"],
            row["accepted_at"],
            row["trace"],
            row["more"],
        )

    async def _written(self, connection: Connection, report: PartReported, towards: str) -> DictRow | None:
        """Find the part by our attempt's id, else by the provider's, and write."""
        known = {"attempt": report.attempt, "sid": report.provider_sid, "tenant": report.tenant}
        found = await (await connection.execute(_KNOWN, known)).fetchone()
        if found is None:
            return None
        if found["tenant_id"] != report.tenant:
            await self.store.widen(connection, report.tenant, TenantId(found["tenant_id"]))
        facts = {
            **known,
            "part": found["part"],
            "status": report.status,
            "code": report.error_code,
            "at": report.reported_at,
            "towards": towards,
            "below": parts.below(towards),
            "proof": towards in parts.PROOFS,
        }
        return await (await connection.execute(_REPORT, facts)).fetchone()


async def _settle(
    connection: Connection, report: PartReported, row: DictRow, after: str, failure: SendFailure | None
) -> None:
    """Draw the consequences: a part that is known to be taken now, one that is lost, and whoever waits behind it."""
    part, reply, before = PartId(row["part"]), ReplyId(row["reply"]), row["before"]
    if row["provider_sid"] is None:
        await record_accepted(connection, part, AttemptId(row["attempt"]), report.provider_sid)
    if failure is not None and after in parts.LOST and before not in parts.LOST:
        await fail_part(connection, reply, row["ordinal"], failure.code, report.error_code, state=after)
    if row["more"]:
        await close_reply(connection, reply)
        await connection.execute(
            "update thread set send_at = least(coalesce(send_at, now()), now()) where key = %s"
            " and exists (select 1 from reply where thread = key and state in ('open', 'cut'))",
            (row["thread"],),
        )
