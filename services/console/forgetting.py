"""The SQL behind an erasure: what belongs to a person, how it is stopped, and how it goes."""

from typing import Any

from services.console.access import Principal
from services.console.person import Found, Person
from services.console.records import Deed, note
from shared.ids import ContactId, Sequence, TenantId, ThreadKey, new_id
from shared.store.session import Connection

_THREADS = """
select key, tenant_id, last_seq, tenant_id <> %(tenant)s or guests <> '{}' as is_others_too,
       array(select seq from message where message.thread = thread.key and message.tenant_id = %(tenant)s and seq > 0) as theirs
from thread
where contact_id = %(contact)s or host_contact_id = %(contact)s or key in (
  select message.thread from conversation join message on message.conversation_id = conversation.id
  where conversation.contact_id = %(contact)s
)
order by key for update nowait
"""
"""A person's threads: those that are theirs now, and on shared lines those on which they once spoke as this tenant's user."""

_CANCEL = (
    """
    update message set outcome = 'cancelled' from thread
    where message.thread = thread.key and thread.key = any(%(threads)s) and message.tenant_id = %(tenant)s
      and seq > done_seq and outcome = 'asked'
    """,
    """
    update reply set state = 'cancelled'
    where thread = any(%(threads)s) and tenant_id = %(tenant)s and state in ('open', 'cut')
    """,
    """
    update part set state = 'cancelled', next_at = null
    where thread = any(%(threads)s) and tenant_id = %(tenant)s and state in ('queued', 'parked')
    """,
    """
    update thread set out_fence = out_fence + 1, out_owner = null, send_at = now(),
        fence = fence + (contact_id = %(contact)s)::int,
        owner = case when contact_id = %(contact)s then null else owner end,
        done_seq = case when contact_id = %(contact)s then asked_seq else done_seq end
    where key = any(%(threads)s)
    """,
)
"""Neither a turn nor a send that runs can write any more; on a shared line another tenant's turn goes on."""

_COPIES = """
with parts as (
  select part.id, line_id, part.provider_sid from part join thread on thread.key = part.thread
  where part.thread = any(%(threads)s) and part.tenant_id = %(tenant)s
)
select line_id, provider_sid from message where thread = any(%(threads)s) and tenant_id = %(tenant)s
union select line_id, provider_sid from parts where provider_sid is not null
union select line_id, attempt.provider_sid from parts join attempt on part_id = parts.id where attempt.provider_sid is not null
union select line_id, status_event.provider_sid from parts join status_event on part_id = parts.id
"""

_MINE = "thread = any(%(threads)s) and tenant_id = %(tenant)s"
_PARTS = f"part_id in (select id from part where {_MINE})"  # noqa: S608 - constants
_TURNS = f"turn_id in (select id from turn where {_MINE})"  # noqa: S608 - constants
_DELETE = {
    "status_event": f"delete from status_event where {_PARTS}",  # noqa: S608 - constants
    "attempt": f"delete from attempt where {_PARTS}",  # noqa: S608 - constants
    "part": f"delete from part where {_MINE}",  # noqa: S608 - constants
    "reply": f"delete from reply where {_MINE}",  # noqa: S608 - constants
    "tool_call": f"delete from tool_call where {_TURNS}",  # noqa: S608 - constants
    "tool_attempt": f"delete from tool_attempt where {_TURNS}",  # noqa: S608 - constants
    "form_submission": f"delete from form_submission where {_TURNS}",  # noqa: S608 - constants
    "token_hold": f"delete from token_hold where {_TURNS}",  # noqa: S608 - constants
    "token_account": f"""
    delete from token_account where tenant_id = %(tenant)s and (
      account in (select 'message/' || id from turn where {_MINE})
      or account in (select 'conversation/' || id from conversation where contact_id = %(contact)s)
    )
    """,  # noqa: S608 - constants
    "turn": f"delete from turn where {_MINE}",  # noqa: S608 - constants
    "message": f"""
    update message set thread = null, conversation_id = null, sealed_text = null, sealed_media = null, sealed_contents = null, trace = '{{}}', seq = 0 where {_MINE}
    """,  # noqa: S608 - constants
    "customer_order": """
    delete from customer_order where tenant_id = %(tenant)s
      and customer_keys && array(select address_key from contact_alias where contact_id = %(contact)s)
    """,
    "dead_letter": f"delete from dead_letter where {_MINE}",  # noqa: S608 - constants
    "conversation": "delete from conversation where contact_id = %(contact)s",
    "lead": "delete from lead where contact_id = %(contact)s",
    "traffic_contact": "delete from traffic_contact where contact_id = %(contact)s",
    "contact_alias": "delete from contact_alias where contact_id = %(contact)s",
    "thread": """
    delete from thread using (
      select key from thread where key = any(%(threads)s)
        and not exists (select 1 from message where message.thread = thread.key)
        and not exists (select 1 from reply where reply.thread = thread.key)
        and not exists (select 1 from turn where turn.thread = thread.key)
    ) as empty
    where thread.key = empty.key and not exists (
      select 1 from thread as other where other.root = thread.key and (
        exists (select 1 from message where message.thread = other.key)
        or exists (select 1 from reply where reply.thread = other.key)
        or exists (select 1 from turn where turn.thread = other.key)
      )
    )
    """,
}
"""In the order in which rows refer to one another. Of a message its provider's id stays, and that it came."""

_UNBIND = "delete from binding where contact_id = %(contact)s returning id, user_id, channel"
_STILL_OTHERS = "select key, tenant_id from thread where key = any(%(threads)s)"
_LEAVE = """
update thread set guests = array_remove(guests, %(tenant)s),
  contact_id = case when contact_id <> %(contact)s then contact_id when host_contact_id is null then %(nobody)s
                    else host_contact_id end,
  host_contact_id = case when host_contact_id = %(contact)s then %(nobody)s
                         when contact_id <> %(contact)s then host_contact_id end
where key = %(key)s
"""


async def is_there(connection: Connection, contact: str) -> bool:
    """Lock a contact, so that nothing new can be made for them; False where they are gone. Raises `Later` at the end."""
    cursor = await connection.execute("select 1 from contact where id = %s for update nowait", (contact,))
    return await cursor.fetchone() is not None


async def find(connection: Connection, tenant: str, contact: str) -> Person:
    """Return a person, their threads locked."""
    cursor = await connection.execute(_THREADS, {"tenant": tenant, "contact": contact})
    found = [
        Found(
            TenantId(row["tenant_id"]),
            ThreadKey(row["key"]),
            Sequence(row["last_seq"]),
            row["is_others_too"],
            tuple(map(Sequence, row["theirs"])),
        )
        for row in await cursor.fetchall()
    ]
    return Person(TenantId(tenant), ContactId(contact), found)


async def cancel(connection: Connection, person: Person) -> None:
    """Stop what the agent and egress are at for a person, and drop what is queued."""
    for statement in _CANCEL:
        await connection.execute(statement, _values(person))


async def known_copies(connection: Connection, person: Person) -> list[list[str]]:
    """Return the provider's ids of everything the person wrote and was sent, each with the line it went over."""
    cursor = await connection.execute(_COPIES, _values(person))
    return [[row["line_id"], row["provider_sid"]] for row in await cursor.fetchall()]


async def delete_rows(connection: Connection, person: Person, actor: str) -> dict[str, int]:
    """Delete all that is a person's, and them; return how many rows went, by table. `actor`: who ends their pairings."""
    values = _values(person)
    erased = {"binding": await _unbind(connection, person, actor)}
    for table, statement in _DELETE.items():
        counted = f"with gone as ({statement} returning 1) select count(*) as rows from gone"  # noqa: S608 - constants
        row = await (await connection.execute(counted, values)).fetchone()
        erased[table] = row["rows"] if row else 0
    cursor = await connection.execute(_STILL_OTHERS, values)
    for thread in await cursor.fetchall():
        await _leave(connection, values, thread["key"], thread["tenant_id"])
    await connection.execute("delete from contact where id = %(contact)s", values)
    return {table: rows for table, rows in erased.items() if rows}


async def _unbind(connection: Connection, person: Person, actor: str) -> int:
    rows = await (await connection.execute(_UNBIND, _values(person))).fetchall()
    for row in rows:
        was = {"user": row["user_id"], "contact": person.contact, "channel": row["channel"]}
        deed = Deed("binding.ended", row["id"], person.tenant, was, {"reason": "erased"})
        await note(connection, Principal(actor, None, frozenset()), deed)
    return len(rows)


async def _leave(connection: Connection, values: dict[str, Any], key: str, tenant: str) -> None:
    """
    Take a person's tenant out of a thread that is others' too.

    To the line's own tenant they are who they were there, or somebody whom nobody knows yet.
    """
    nobody = new_id("ct")
    await connection.execute(
        "insert into contact (id, tenant_id, channel) select %s, %s, channel from line"
        " join thread on thread.line_id = line.id where thread.key = %s"
        " and %s = case when host_contact_id is null then contact_id else host_contact_id end",
        (nobody, tenant, key, values["contact"]),
    )
    await connection.execute(_LEAVE, {**values, "key": key, "nobody": nobody})


def _values(person: Person) -> dict[str, Any]:
    return {"tenant": person.tenant, "contact": person.contact, "threads": person.keys}
