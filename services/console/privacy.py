"""
Drops what the tenants' settings let nobody keep (spec.md, section 5): addresses and names of contacts, and texts.

Batch by batch, each in a short transaction that passes over what others hold. What is dropped depends on threads that are
quiet, so it is looked at once more after they are locked: every writer locks its thread first, and finds what is gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg.rows import DictRow

from services.console.job import alone
from shared.store.session import Connection, Store
from shared.telemetry import PRIVACY_APPLIED, log

EVERY = 3600.0
_LOCK = 0x70726976616379
_BATCH = 100
_TEXTS_AT_ONCE = 5_000
"""Of each kind. A company that lets go of its history may have very many; whose thread is locked waits for a moment only."""

_WINDOW = "interval '24 hours'"
"""How long after a person's last message they may be answered freely, and a part that left may still fail."""

_IS_QUIET = """(
{0}.done_seq >= {0}.asked_seq and {0}.send_at is null and {0}.parked_at is null
and not exists (
  select 1 from part where part.thread = {0}.key and part.state in ('parked', 'queued', 'sending', 'unknown')
)
and not exists (select 1 from reply where reply.thread = {0}.key and reply.state in ('open', 'cut'))
and not exists (select 1 from dead_letter where dead_letter.thread = {0}.key and dead_letter.state = 'waiting')
)"""
_QUIET = _IS_QUIET.format("thread")
"""Nothing is asked and unanswered, nothing is on its way or parked, and nothing may be tried again."""

_CONTACTS = """
select contact.id from contact join tenant on tenant.id = contact.tenant_id
where contact.id > %(last)s and sealed_address is not null and tenant.privacy = 'hashed'
order by contact.id limit %(most)s for update of contact skip locked
"""
"""Locked so that no new thread can be made for them meanwhile."""

_THEIR_THREADS = """
select key from thread where contact_id = any(%(contacts)s) for no key update skip locked
"""
_DROP_ADDRESSES = f"""
update contact set sealed_address = null, sealed_name = null
where id = any(%(contacts)s)
  and not exists (select 1 from binding where contact_id = contact.id)
  and not exists (
    select 1 from thread where contact_id = contact.id and not (
      key = any(%(locked)s) and coalesce(last_inbound_at, thread.created_at) < now() - {_WINDOW} and {_QUIET}
    )
  )
"""  # noqa: S608 - constants

_THREADS = """
select key from thread
where key > %(last)s
  and exists (select 1 from tenant where not history and (id = thread.tenant_id or id = any(thread.guests)))
order by key limit %(most)s for no key update skip locked
"""
_QUIET_ONES = f"""
select key from thread where key = any(%(locked)s) and {_QUIET} and not exists (
  select 1 from thread as other where other.root = thread.root and not {_IS_QUIET.format("other")}
)
"""  # noqa: S608 - constants
"""With all threads of the person on the line, whose turns remember what was said on any of them (ADR 14)."""
_REMEMBERED = """
select spoken.kind, spoken.ref
from (select distinct contact_id, line_id from thread where key = any(%(quiet)s)) as here
join conversation
  on conversation.contact_id = here.contact_id and conversation.line_id = here.line_id and conversation.closed_at is null
join agent on agent.id = conversation.agent_id
cross join lateral (
  select case when remembers = 'whole' then 400 else memory end as most,
         case when remembers = 'whole' then summary_seq else 0 end as behind
) as memory
cross join lateral (
  select * from (
    (select 'message' as kind, message.id::text as ref, seq, 0 as side, 0::bigint as rank from message
     where conversation_id = conversation.id and seq > behind and outcome = 'asked' and sealed_text is not null
     order by seq desc limit memory.most)
    union all
    (select 'reply', reply.id::text, after_seq, 1, reply.id from reply
     where conversation_id = conversation.id and after_seq > behind and turn_id is not null and sealed_body is not null
     order by reply.id desc limit memory.most)
  ) as said order by seq desc, side desc, rank desc limit memory.most
) as spoken
"""
"""What the agents would be told of open conversations: the same last messages that a turn loads, behind its notes of the rest."""

_HERE = "thread.key = any(%(quiet)s) and not tenant.history"
_BLANK = (
    f"""
    update message set sealed_text = null, sealed_media = null, sealed_contents = null where ctid = any(array(
      select message.ctid from thread join message on message.thread = thread.key and seq >= texts_from
      join tenant on tenant.id = message.tenant_id
      where {_HERE} and sealed_text is not null
        and not exists (select from unnest(%(messages)s::text[]) as kept(id) where kept.id = message.id)
      limit %(most)s
    ))
    """,  # noqa: S608 - constants
    f"""
    update reply set sealed_body = null where ctid = any(array(
      select reply.ctid from thread join reply on reply.thread = thread.key and after_seq >= texts_from
      join tenant on tenant.id = reply.tenant_id
      where {_HERE} and sealed_body is not null
        and not exists (select from unnest(%(replies)s::bigint[]) as kept(id) where kept.id = reply.id)
      limit %(most)s
    ))
    """,  # noqa: S608 - constants
    f"""
    update part set sealed_body = null where ctid = any(array(
      select part.ctid from thread join reply on reply.thread = thread.key and after_seq >= texts_from
      join part on part.reply_id = reply.id join tenant on tenant.id = part.tenant_id
      where {_HERE} and part.sealed_body is not null
        and (part.state not in ('accepted', 'sent') or accepted_at < now() - {_WINDOW})
      limit %(most)s
    ))
    """,  # noqa: S608 - constants
    f"""
    update tool_call set sealed_result = null, sealed_sources = null where ctid = any(array(
      select tool_call.ctid from thread join turn on turn.thread = thread.key and from_seq >= texts_from
      join tool_call on turn_id = turn.id join tenant on tenant.id = tool_call.tenant_id
      where {_HERE} and sealed_result is not null
      limit %(most)s
    ))
    """,  # noqa: S608 - constants
    f"""
    update tool_attempt set sealed_result = null where ctid = any(array(
      select tool_attempt.ctid from thread join turn on turn.thread = thread.key and from_seq >= texts_from
      join tool_attempt on turn_id = turn.id join tenant on tenant.id = tool_attempt.tenant_id
      where {_HERE} and sealed_result is not null
      limit %(most)s
    ))
    """,  # noqa: S608 - constants
)
"""A part that has left is kept while it may still come back as failed, and be tried again."""

_SUMMARIES = """
update conversation set sealed_summary = null where id in (
  select conversation.id from conversation join agent on agent.id = conversation.agent_id
  where sealed_summary is not null and (closed_at is not null or remembers <> 'whole')
  limit %(most)s for update of conversation skip locked
)
"""
"""Notes of what no turn remembers any more, kept history or not."""

_ADVANCE = """
update thread set texts_from = found.first from (
  select key, coalesce(least(
    (select min(seq) from message where message.thread = key and seq >= texts_from and sealed_text is not null),
    (select min(after_seq) from reply where reply.thread = key and after_seq >= texts_from and (
      sealed_body is not null or exists (select 1 from part where reply_id = reply.id and part.sealed_body is not null)))
  ), last_seq) as first
  from thread where key = any(%(quiet)s)
) as found
where thread.key = found.key and texts_from <> found.first
"""


@dataclass(frozen=True)
class Applied:
    """What a run dropped: contacts' addresses with their names, and texts."""

    addresses: int
    texts: int


@dataclass(frozen=True)
class Privacy:
    """The job. `at_once`: how many texts of each kind a step blanks."""

    store: Store
    at_once: int = _TEXTS_AT_ONCE

    async def run(self) -> Applied:
        """Go through everybody once. What others hold meanwhile is left for the next run. Raises AlreadyRunning."""
        async with alone(self.store, _LOCK) as connection:
            blanked = await _blank_texts(connection, self.at_once) + await _drop_summaries(connection)
            applied = Applied(await _drop_addresses(connection), blanked)
        log.info(PRIVACY_APPLIED, addresses=applied.addresses, texts=applied.texts)
        return applied


async def _drop_addresses(connection: Connection) -> int:
    dropped, last = 0, ""
    while True:
        async with connection.transaction():
            contacts = [row["id"] for row in await _rows(connection, _CONTACTS, {"last": last, "most": _BATCH})]
            if not contacts:
                return dropped
            last, values = contacts[-1], {"contacts": contacts}
            locked = [row["key"] for row in await _rows(connection, _THEIR_THREADS, values)]
            dropped += (await connection.execute(_DROP_ADDRESSES, {**values, "locked": locked})).rowcount


async def _blank_texts(connection: Connection, at_once: int) -> int:
    blanked, last = 0, ""
    while True:
        async with connection.transaction():
            locked = [row["key"] for row in await _rows(connection, _THREADS, {"last": last, "most": _BATCH})]
            if not locked:
                return blanked
            quiet = [row["key"] for row in await _rows(connection, _QUIET_ONES, {"locked": locked})]
            steps = await _blank(connection, quiet, at_once)
            if is_done := max(steps) < at_once:
                await connection.execute(_ADVANCE, {"quiet": quiet})
        blanked += sum(steps)
        last = locked[-1] if is_done else last


async def _drop_summaries(connection: Connection) -> int:
    dropped = 0
    while done := (await connection.execute(_SUMMARIES, {"most": _BATCH})).rowcount:
        dropped += done
    return dropped


async def _blank(connection: Connection, quiet: list[str], at_once: int) -> list[int]:
    """Blank texts of threads that are locked and quiet, but what is remembered; return how many of each kind."""
    remembered = await _rows(connection, _REMEMBERED, {"quiet": quiet})
    values = {
        "quiet": quiet,
        "messages": [row["ref"] for row in remembered if row["kind"] == "message"],
        "replies": [int(row["ref"]) for row in remembered if row["kind"] == "reply"],
        "most": at_once,
    }
    return [(await connection.execute(statement, values)).rowcount for statement in _BLANK]


async def _rows(connection: Connection, query: str, values: Mapping[str, Any]) -> list[DictRow]:
    return await (await connection.execute(query, values)).fetchall()
