"""The SQL behind delivery reports: which part one speaks of, and how it moves that part."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import DictRow

from services.egress import parts
from services.egress.statements import SUPERSEDED
from services.egress.store import close_reply, fail_part, move, record_accepted
from shared.events import PartReported
from shared.failures import SendFailure
from shared.faultpoints import Step
from shared.ids import AttemptId, PartId, ReplyId, TenantId, ThreadKey
from shared.store.session import Connection, Store

_KNOWN = """
select thread, part, tenant_id from part_known where attempt = %(attempt)s and line_tenant = %(tenant)s
union all
select thread, part, tenant_id from part_known where provider_sid = %(sid)s and line_tenant = %(tenant)s
limit 1
"""
"""
Finds a part by an attempt's id or the provider's, whoever it is for: on a shared line, a user's tenant; but only of the line's
own tenant, whose report it is.
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


@dataclass(frozen=True)
class Reports:
    """Where reports are written down."""

    store: Store

    async def record(self, report: PartReported, failure: SendFailure | None) -> Reported | None:
        """Store a report and move its part forward; None where it speaks of nothing we sent, or was stored before."""
        towards = parts.reported(report.status)
        async with self.store.transaction(report.tenant, step=Step.EGRESS_REPORT) as connection:
            row = await self._find(connection, report)
            if row is None or towards is None or not await _log(connection, report, row):
                return None
            if row["outcome"] == SUPERSEDED and towards not in parts.PROOFS:
                return None  # the part goes another way by now
            part, reply = PartId(row["part"]), ReplyId(row["reply"])
            if row["provider_sid"] is None:
                await record_accepted(connection, part, AttemptId(row["attempt"]), report.provider_sid)
            before = await move(connection, part, towards)
            after = parts.advanced(before, towards)
            if failure is not None and after in parts.LOST and before not in parts.LOST:
                await fail_part(connection, part, reply, failure.code, report.error_code, state=after)
            await close_reply(connection, reply)
            await connection.execute(
                "update thread set send_at = least(coalesce(send_at, now()), now()) where key = %s"
                " and exists (select 1 from reply where thread = key and state in ('open', 'cut'))",
                (row["thread"],),
            )
        return Reported(
            ThreadKey(row["thread"]),
            reply,
            before,
            after,
            row["ordinal"] == 1,
            row["received_at"],
            row["now"],
        )

    async def _find(self, connection: Connection, report: PartReported) -> DictRow | None:
        """Find the part by our attempt's id, else by the provider's; lock its thread first, as every writer does."""
        cursor = await connection.execute(
            _KNOWN, {"attempt": report.attempt, "sid": report.provider_sid, "tenant": report.tenant}
        )
        found = await cursor.fetchone()
        if found is None:
            return None
        if found["tenant_id"] != report.tenant:
            await self.store.widen(connection, report.tenant, TenantId(found["tenant_id"]))
        return await _locked(connection, report, found)


async def _locked(connection: Connection, report: PartReported, found: DictRow) -> DictRow | None:
    await connection.execute("select 1 from thread where key = %s for update nowait", (found["thread"],))
    cursor = await connection.execute(
        """
        select part.id as part, part.reply_id as reply, part.ordinal, part.thread, part.tenant_id, part.provider_sid,
               reply.received_at, now() as now, attempt.id as attempt, attempt.outcome
        from part join reply on reply.id = part.reply_id
        join attempt on attempt.part_id = part.id and (attempt.id = %s or attempt.provider_sid = %s)
        where part.id = %s limit 1
        """,
        (report.attempt, report.provider_sid, found["part"]),
    )
    return await cursor.fetchone()


async def _log(connection: Connection, report: PartReported, row: DictRow) -> bool:
    cursor = await connection.execute(
        """
        insert into status_event (tenant_id, part_id, provider_sid, status, error_code, reported_at)
        values (%s, %s, %s, %s, %s, %s) on conflict (provider_sid, status) do nothing returning 1
        """,
        (row["tenant_id"], row["part"], report.provider_sid, report.status, report.error_code, report.reported_at),
    )
    return await cursor.fetchone() is not None
