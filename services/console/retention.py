"""
Deletes what is older than its tenant keeps things (`tenant.retention_days`), and what has a term of its own.

Each walk goes through a table by its primary key, whose order is that of time, and ends where everything is younger than any
tenant's term: batch by batch, each a short transaction that passes over what others hold.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.rows import DictRow

from services.console.job import alone
from shared.store.session import Connection, Store
from shared.telemetry import RETENTION_APPLIED, log

EVERY = 24 * 3600.0
_LOCK = 0x726574656E74696F
_BATCH = 500
_PEOPLE = 100

_TERM = "now() - tenant.retention_days * interval '1 day'"
_PAGE = """
select it.id, it.{moment} < {term} as expired,
       it.{moment} < now() - (select min(retention_days) from tenant) * interval '1 day' as old
from {table} as it join tenant on tenant.id = it.tenant_id
where {behind} order by it.id limit %(most)s
"""
_LOCK_THREADS = """
select key from thread where key in (select thread from {table} where id = any(%(ids)s)) for no key update skip locked
"""


@dataclass(frozen=True)
class Walk:
    """
    How rows of a table expire: by which time, and by which statements, which know the rows and their locked threads.

    `counted`: what the rows of the last statement are counted as.
    """

    table: str
    moment: str
    statements: tuple[str, ...]
    counted: str

    def page(self, last: object) -> str:
        """Return the query for a stretch of the table: from its beginning, or behind a row."""
        behind = "true" if last is None else "it.id > %(last)s"
        return _PAGE.format(table=self.table, moment=self.moment, term=_TERM, behind=behind)


_OLD_REPLIES = """
select id from reply where id = any(%(ids)s) and thread = any(%(locked)s)
  and not exists (select 1 from part where reply_id = reply.id and state = 'sending')
"""
_OLD_PARTS = f"select id from part where reply_id in ({_OLD_REPLIES})"  # noqa: S608 - constants
_OLD_TURNS = """
select id from turn where id = any(%(ids)s) and thread = any(%(locked)s)
  and not exists (select 1 from reply where turn_id = turn.id)
"""
_WALKS = (
    Walk(
        "reply",
        "created_at",
        (
            f"delete from status_event where part_id in ({_OLD_PARTS})",  # noqa: S608 - constants
            f"delete from attempt where part_id in ({_OLD_PARTS})",  # noqa: S608 - constants
            f"delete from part where id in ({_OLD_PARTS})",  # noqa: S608 - constants
            f"delete from reply where id in ({_OLD_REPLIES})",  # noqa: S608 - constants
        ),
        "reply",
    ),
    Walk(
        "turn",
        "started_at",
        (
            f"delete from tool_call where turn_id in ({_OLD_TURNS})",  # noqa: S608 - constants
            f"delete from tool_attempt where turn_id in ({_OLD_TURNS})",  # noqa: S608 - constants
            f"delete from form_submission where turn_id in ({_OLD_TURNS})",  # noqa: S608 - constants
            f"delete from turn where id in ({_OLD_TURNS})",  # noqa: S608 - constants
        ),
        "turn",
    ),
    Walk(
        "message",
        "routed_at",
        (
            """
            update message set thread = null, conversation_id = null, sealed_text = null, sealed_media = null, sealed_contents = null, trace = '{}' from thread
            where message.id = any(%(ids)s) and thread.key = message.thread and thread.key = any(%(locked)s)
              and (outcome <> 'asked' or seq <= done_seq)
            """,
        ),
        "message.blanked",
    ),
)
"""A message becomes nobody's first; its provider's id is kept for 30 days at least, so that it is known if it comes again."""

_CONTACTS = "select id from contact where id > %(last)s order by id limit %(most)s for update skip locked"
_THEIR_THREADS = "select key from thread where contact_id = any(%(contacts)s) for update skip locked"
_FREE = """
select id from contact where id = any(%(contacts)s)
  and not exists (select 1 from thread where contact_id = contact.id and key <> all(%(locked)s))
"""
_LEFT_BEHIND = (
    f"""
    delete from conversation using tenant
    where contact_id = any(%(free)s) and tenant.id = conversation.tenant_id and coalesce(closed_at, opened_at) < {_TERM}
      and not exists (select 1 from message where conversation_id = conversation.id)
      and not exists (select 1 from reply where conversation_id = conversation.id)
      and not exists (select 1 from turn where conversation_id = conversation.id)
      and not exists (select 1 from form_submission where conversation_id = conversation.id)
    """,  # noqa: S608 - constants
    f"""
    delete from lead using tenant
    where contact_id = any(%(free)s) and tenant.id = lead.tenant_id and last_seen < {_TERM}
    """,  # noqa: S608 - constants
    f"""
    with empty as (
      select key from thread join tenant on tenant.id = thread.tenant_id
      where key = any(%(locked)s) and contact_id = any(%(free)s)
        and coalesce(last_inbound_at, thread.created_at) < {_TERM} and done_seq >= asked_seq and opted_out_at is null
        and not exists (select 1 from message where message.thread = thread.key)
        and not exists (select 1 from turn where turn.thread = thread.key)
        and not exists (select 1 from reply where reply.thread = thread.key)
        and not exists (select 1 from dead_letter where dead_letter.thread = thread.key and dead_letter.state = 'waiting')
    )
    delete from thread using empty where thread.key = empty.key
      and not exists (
        select 1 from thread as other where other.root = thread.root and other.key not in (select key from empty)
      )
    """,  # noqa: S608 - constants
)
"""What holds nothing any more; threads of one root together. Who said STOP stays known, so that they are left alone."""

_UNKNOWN_NOW = """
select id from contact where id = any(%(free)s)
  and not exists (select 1 from thread where contact_id = contact.id)
  and not exists (select 1 from thread where host_contact_id = contact.id)
  and not exists (select 1 from conversation where contact_id = contact.id)
  and not exists (select 1 from lead where contact_id = contact.id)
  and not exists (select 1 from binding where contact_id = contact.id)
"""
_FORGET = (
    "delete from contact_alias where contact_id = any(%(ids)s)",
    "delete from contact where id = any(%(ids)s)",
)

_ONE_BY_ONE = {
    "message": """
    delete from message where id in (
      select id from message where thread is null and routed_at < now() - interval '30 days'
      limit %(most)s for update skip locked)
    """,
    "dead_letter.discarded": f"""
    update dead_letter set state = 'discarded', settled_at = now(), settled_note = 'too old to be kept' where id in (
      select dead_letter.id from tenant join dead_letter on dead_letter.tenant_id = tenant.id
      where state = 'waiting' and dead_letter.created_at < {_TERM} limit %(most)s for update of dead_letter skip locked)
    """,  # noqa: S608 - constants
    "dead_letter": f"""
    delete from dead_letter where id in (
      select dead_letter.id from tenant join dead_letter on dead_letter.tenant_id = tenant.id
      where dead_letter.created_at < {_TERM} and settled_at < {_TERM} limit %(most)s for update of dead_letter skip locked)
    """,  # noqa: S608 - constants
    "pair_code": """
    delete from pair_code where id in (
      select id from pair_code where expires_at < now() - interval '1 day' limit %(most)s for update skip locked)
    """,
    "wrong_code": """
    delete from wrong_code where id in (
      select id from wrong_code where at < now() - interval '1 day' limit %(most)s for update skip locked)
    """,
    "idempotent_request": """
    delete from idempotent_request where (holder, key) in (
      select holder, key from idempotent_request where created_at < now() - interval '24 hours'
      limit %(most)s for update skip locked)
    """,
    "customer_order": f"""
    delete from customer_order where id in (
      select customer_order.id from tenant join customer_order on customer_order.tenant_id = tenant.id
      where customer_order.created_at < {_TERM} limit %(most)s for update of customer_order skip locked)
    """,  # noqa: S608 - constants
    "data_source.empty": """
    update data_source set items = 0 where kind = 'order' and items > 0 and %(most)s > 0
      and not exists (select 1 from customer_order where source_id = data_source.id)
    """,
    "daily_messages": "delete from daily_messages where day < current_date - 90 and %(most)s > 0",
    "token_account": """
    delete from token_account where (tenant_id, account) in (
      select tenant_id, account from token_account where changed_at < now() - interval '90 days'
      limit %(most)s for update skip locked)
    """,
    "token_hold": """
    delete from token_hold where turn_id in (
      select turn_id from token_hold where created_at < now() - interval '90 days' limit %(most)s for update skip locked)
    """,
    "erasure": "delete from erasure where finished_at < now() - interval '400 days' and %(most)s > 0",
    "job_run": "delete from job_run where finished_at < now() - interval '400 days' and %(most)s > 0",
}


@dataclass(frozen=True)
class Retention:
    """The job."""

    store: Store

    async def run(self) -> Counter[str]:
        """Go through everything once; return how many rows went, by what they were. Raises AlreadyRunning."""
        gone: Counter[str] = Counter()
        async with alone(self.store, _LOCK) as connection:
            for walk in _WALKS:
                gone[walk.counted] += await _walk(connection, walk)
            gone["contact"] += await _walk_people(connection)
            for what, statement in _ONE_BY_ONE.items():
                gone[what] += await _repeat(connection, statement)
            gone["audit"] += await _expire_audit(connection)
        log.info(RETENTION_APPLIED, rows=gone.total())
        return +gone


async def _walk(connection: Connection, walk: Walk) -> int:
    gone, values = 0, dict[str, Any](last=None, most=_BATCH)
    while page := await _rows(connection, walk.page(values["last"]), values):
        if ids := [row["id"] for row in page if row["expired"]]:
            gone += await _expire(connection, walk, ids)
        if not any(row["old"] for row in page):
            break
        values["last"] = page[-1]["id"]
    return gone


async def _expire(connection: Connection, walk: Walk, ids: Sequence[Any]) -> int:
    """Let rows go, as far as nobody works on their threads; return how many."""
    async with connection.transaction():
        threads = await _rows(connection, _LOCK_THREADS.format(table=walk.table), {"ids": ids})
        values = {"ids": ids, "locked": [row["key"] for row in threads]}
        return [(await connection.execute(statement, values)).rowcount for statement in walk.statements][-1]


async def _walk_people(connection: Connection) -> int:
    """Let conversations, leads, threads and in the end contacts go that hold nothing any more."""
    gone, last = 0, ""
    while True:
        async with connection.transaction():
            contacts = [row["id"] for row in await _rows(connection, _CONTACTS, {"last": last, "most": _PEOPLE})]
            if not contacts:
                return gone
            last, values = contacts[-1], dict[str, Any](contacts=contacts)
            values["locked"] = [row["key"] for row in await _rows(connection, _THEIR_THREADS, values)]
            values["free"] = [row["id"] for row in await _rows(connection, _FREE, values)]
            for statement in _LEFT_BEHIND:
                await connection.execute(statement, values)
            unknown = {"ids": [row["id"] for row in await _rows(connection, _UNKNOWN_NOW, values)]}
            gone += [(await connection.execute(statement, unknown)).rowcount for statement in _FORGET][-1]


async def _repeat(connection: Connection, statement: str) -> int:
    gone = 0
    while done := (await connection.execute(statement, {"most": _BATCH})).rowcount:
        gone += done
    return gone


async def _expire_audit(connection: Connection) -> int:
    """Delete what is older than 400 days from the log that only its owner's function may delete from."""
    gone = 0
    while True:
        [row] = await _rows(connection, "select expire_audit(%(most)s) as gone", {"most": _BATCH})
        if not row["gone"]:
            return gone
        gone += row["gone"]


async def _rows(connection: Connection, query: str, values: Mapping[str, Any]) -> list[DictRow]:
    return await (await connection.execute(query, values)).fetchall()
