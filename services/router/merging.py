"""Two contacts prove to be one person: what belongs to the younger becomes the elder's, and their threads one group (ADR 14)."""

from collections.abc import Sequence

from shared.ids import ContactId, TenantId
from shared.store.session import Connection, Store

_OTHERS_THREADS = "select distinct tenant_id from contact_thread where contact_id = any(%(all)s)"
"""On shared lines a contact's threads are another tenant's."""

_LOCK = """
select 1 from thread where contact_id = any(%(all)s) or host_contact_id = any(%(all)s) order by key for update nowait
"""
_MOVE = (
    "update thread set contact_id = %(elder)s where contact_id = any(%(younger)s)",
    "update thread set host_contact_id = %(elder)s where host_contact_id = any(%(younger)s)",
    "update contact_alias set contact_id = %(elder)s where contact_id = any(%(younger)s)",
    # A person is one user: who paired last stays.
    """
    delete from binding using binding as later
    where binding.contact_id = any(%(all)s) and later.contact_id = any(%(all)s)
      and (later.created_at, later.id) > (binding.created_at, binding.id)
    """,
    "update binding set contact_id = %(elder)s where contact_id = any(%(younger)s)",
    """
    insert into lead (tenant_id, agent_id, contact_id, platform, messages, first_seen, last_seen, source)
    select tenant_id, agent_id, %(elder)s, min(platform), sum(messages), min(first_seen), max(last_seen),
           (array_agg(source order by first_seen) filter (where source is not null))[1]
    from lead where contact_id = any(%(younger)s) group by tenant_id, agent_id
    on conflict (agent_id, contact_id) do update set messages = lead.messages + excluded.messages,
        first_seen = least(lead.first_seen, excluded.first_seen), last_seen = greatest(lead.last_seen, excluded.last_seen),
        source = coalesce(lead.source, excluded.source)
    """,
    "delete from lead where contact_id = any(%(younger)s)",
    # At most one is open: the elder's, where there is one.
    """
    update conversation set closed_at = now() where contact_id = any(%(all)s) and closed_at is null
      and id <> (select id from conversation where contact_id = any(%(all)s) and closed_at is null
                 order by contact_id <> %(elder)s, opened_at, id limit 1)
    """,
    "update conversation set contact_id = %(elder)s where contact_id = any(%(younger)s)",
    "update erasure set contact_id = %(elder)s where contact_id = any(%(younger)s) and finished_at is null",
    "delete from contact where id = any(%(younger)s)",
)

OF_PERSON = "(host_contact_id = {contact} or (contact_id = {contact} and host_contact_id is null))"
"""Tells whether a thread is one by which a contact writes to their tenant's own lines."""
_PERSONS = OF_PERSON.format(contact="%(contact)s")

_LOCK_PERSONS = f"select 1 from thread where {_PERSONS} order by key for update nowait"  # noqa: S608 - constants
_GROUP = f"""
with persons as (
  select key, first_value(key) over (partition by line_id order by created_at, key) as eldest,
         count(*) over (partition by line_id) as threads
  from thread where {_PERSONS}
)
update thread set root = eldest from persons
where thread.key = persons.key and threads > 1 and root is distinct from eldest
"""  # noqa: S608 - constants
_FENCE = f"""
with running as (
  select key, row_number() over (partition by root order by key <> root, created_at, key) as place
  from thread where {_PERSONS} and root is not null and owner is not null
)
update thread set fence = fence + 1, owner = null from running where thread.key = running.key and place > 1
"""  # noqa: S608 - constants
"""Of turns that run side by side one goes on; the others start over in their turn."""


async def merge(
    connection: Connection, store: Store, scope: tuple[TenantId, ...], elder: ContactId, younger: Sequence[ContactId]
) -> None:
    """Let contacts of one tenant, which are locked, be one. Raises `Later` where one of their threads is at work."""
    values = {"elder": elder, "younger": list(younger), "all": [elder, *younger]}
    cursor = await connection.execute(_OTHERS_THREADS, values)
    others = [TenantId(row["tenant_id"]) for row in await cursor.fetchall()]
    await store.widen(connection, *dict.fromkeys((*scope, *others)))
    await connection.execute(_LOCK, values)
    for statement in _MOVE:
        await connection.execute(statement, values)
    await bring_together(connection, elder)
    await store.widen(connection, *scope)


async def bring_together(connection: Connection, contact: ContactId) -> None:
    """Let a contact's threads on one line have the eldest for their root. Raises `Later` where one of them is at work."""
    values = {"contact": contact}
    for statement in (_LOCK_PERSONS, _GROUP, _FENCE):
        await connection.execute(statement, values)
