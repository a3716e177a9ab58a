"""What happened to a message, step by step: webhook, routing, the agent's turn, each attempt to send, each report."""

from dataclasses import dataclass

from psycopg.rows import DictRow

from shared.store.session import Connection

_MESSAGE = """
select id, provider_sid, outcome, received_at, webhook_ms, routed_at, thread, seq from message where thread = %s and seq = %s
order by received_at limit 1
"""
_TURN = """
select id, started_at, finished_at, model, steps, input_tokens, output_tokens, attempts, failure, pipeline,
       pipeline_version, trail, cost,
       array(select name from tool_call where turn_id = turn.id order by step, created_at) as tools
from turn where thread = %s and from_seq <= %s and upto_seq >= %s order by from_seq desc limit 1
"""
_PARTS = """
select part.id, part.ordinal, part.provider_sid from reply join part on part.reply_id = reply.id
where reply.turn_id = %(turn)s or (reply.thread = %(thread)s and reply.after_seq = %(seq)s) order by part.id
"""
_ATTEMPTS = """
select attempt.id, part_id as part, started_at, outcome, http_status, attempt.error_code, attempt.provider_sid,
       (extract(epoch from ended_at - started_at) * 1000)::int as ms,
       (extract(epoch from started_at - coalesce(lag(coalesce(ended_at, started_at)) over tries, part.created_at)) * 1000)::int as waited_ms
from attempt join part on part.id = part_id where part_id = any(%s)
window tries as (partition by part_id order by started_at) order by started_at
"""
_REPORTS = """
select part_id as part, stored_at, reported_at, status, error_code, provider_sid
from status_event where provider_sid = any(%s) and part_id = any(%s) order by id
"""


@dataclass(frozen=True)
class Timeline:
    """Rows of each kind of step. `message`: None once it is removed; `turn`: None where the agent was not asked."""

    message: DictRow | None
    turn: DictRow | None
    parts: dict[int, int]
    """The ordinal of each part that was cut for it."""
    attempts: list[DictRow]
    reports: list[DictRow]


async def timeline(connection: Connection, thread: str, seq: int, part: int | None = None) -> Timeline:
    """Return what happened to the message at this place of a thread; `part`: of its answer only this part."""
    message = await (await connection.execute(_MESSAGE, (thread, seq))).fetchone()
    turn = await (await connection.execute(_TURN, (thread, seq, seq))).fetchone()
    facts = {"thread": thread, "seq": seq, "turn": turn["id"] if turn else None}
    rows = await (await connection.execute(_PARTS, facts)).fetchall()
    parts = {row["id"]: row for row in rows if part in {None, row["id"]}}
    attempts = await (await connection.execute(_ATTEMPTS, ([*parts],))).fetchall()
    sids = {row["provider_sid"] for row in (*parts.values(), *attempts)} - {None}
    reports = await (await connection.execute(_REPORTS, ([*sids], [*parts]))).fetchall()
    return Timeline(message, turn, {number: row["ordinal"] for number, row in parts.items()}, attempts, reports)
