"""The statements of the router's desk: what it reads of a thread, in one go, before it decides."""

from services.router.mailbox import TENANTS_AGENT
from services.router.merging import OF_PERSON

LINE = "line.id as line_id, line.tenant_id as tenant, agent_id, kind, channel, provider, sender, enabled, access, quiet_ms, media"
THREAD_COLUMNS = (
    "key", "host_contact_id", "guests", "last_seq", "asked_seq", "done_seq", "hits", "wrong_codes", "noticed", "opted_out_at",
    "last_inbound_at", "last_provider_sid", "failing_seq", "failures", "run_at", "burst_at", "sending",
)  # fmt: skip
_CONVERSATION = """
(select id from conversation where conversation.contact_id = {contact}
   and conversation.channel = line.channel and conversation.line_id = line.id and closed_at is null)
"""
_HANDED_OFF = """
exists (select 1 from conversation where conversation.contact_id = {contact} and conversation.channel = line.channel
   and conversation.line_id = line.id and closed_at is null and handed_off_at is not null)
"""
_KNOWN = """
(select count(*) from contact_alias
 where contact_alias.tenant_id = {tenant} and contact_alias.channel = line.channel and address_key = any(%(keys)s)
   and contact_alias.contact_id = {contact})
"""
"""How many of the keys lead to the contact."""

GUEST = f"""
select {TENANTS_AGENT} as agent, tenant.daily_messages, {_CONVERSATION.format(contact="%(contact)s")} as conversation,
       {_HANDED_OFF.format(contact="%(contact)s")} as handed_off,
       {_KNOWN.format(tenant="tenant.id", contact="%(contact)s")} as known
from tenant, line where tenant.id = %(tenant)s and line.id = %(line)s
"""  # noqa: S608 - constants
"""Who answers a tenant's user on a shared line, their open conversation there, and by how many addresses they are known."""

SEEN = "select root, last_seq from thread where key = %s"
GROUP = "select key, root, last_seq from thread where root = (select root from thread where key = %s)"
LOCK = "select 1 from thread where key = %(key)s for update nowait"
LOCK_GROUP = "select 1 from thread where key = any(%(group)s) order by key for update nowait"
LOCKED = f"""
select thread.*, send_at is not null as sending, {LINE}, now() as now,
       bound.user_id as bound, bound.tenant_id as bound_tenant,
       {_CONVERSATION.format(contact="thread.contact_id")} as conversation,
       {_HANDED_OFF.format(contact="thread.contact_id")} as handed_off,
       {_KNOWN.format(tenant="line.tenant_id", contact="coalesce(host_contact_id, thread.contact_id)")} as known,
       array(select provider_sid from message_known
             join unnest(%(accounts)s::text[], %(sids)s::text[]) as asked (account, sid)
               on account_sid = account and provider_sid = sid) as logged,
       (select tenant_id from contact_unaddressed where contact_unaddressed.id = thread.contact_id) as unaddressed,
       (select daily_messages from tenant where tenant.id = line.tenant_id) as daily_messages
from thread join line on line.id = thread.line_id
left join lateral (
  select user_id, tenant_id from binding_owner
  where binding_owner.channel = line.channel
    and (address_key = any(%(addresses)s) or binding_owner.contact_id = thread.contact_id)
  order by tenant_id <> line.tenant_id, tenant_id is distinct from thread.guests[cardinality(thread.guests)],
           array_position(%(addresses)s::text[], address_key) limit 1
) as bound on true
where key = %(key)s
"""  # noqa: S608 - constants
"""
A thread with its line, whoever is bound to its sender's addresses or to who they are known to be, its open conversation, by how
many addresses they are known, which of the messages that wait are in the log, whose contact it is where their address was dropped,
and how many messages a day the tenant has. It has to be a statement of its own, after the
one that locks the thread, lest it reads of the time before.
"""
OTHERS = "select *, send_at is not null as sending from thread where root = %(key)s and key <> %(key)s"

INSERT = f"""
insert into thread (key, tenant_id, line_id, contact_id) values (%(key)s, %(tenant)s, %(line)s, %(contact)s)
on conflict do nothing
returning exists (select 1 from (select * from thread) as other
                  where line_id = %(line)s and {OF_PERSON.format(contact="%(contact)s")}) as among
"""  # noqa: S608 - constants
"""Makes a thread, and tells whether the contact has others on the line."""

CLOSE = """
update thread set contact_id = %(contact)s, host_contact_id = %(host_contact_id)s, guests = %(guests)s,
    last_seq = %(last_seq)s, asked_seq = %(asked_seq)s, done_seq = %(done_seq)s, hits = %(hits)s,
    wrong_codes = %(wrong_codes)s, noticed = %(noticed)s, opted_out_at = %(opted_out_at)s,
    last_inbound_at = %(last_inbound_at)s, last_provider_sid = %(last_provider_sid)s,
    failing_seq = %(failing_seq)s, failures = %(failures)s,
    run_at = %(run_at)s, burst_at = %(burst_at)s,
    send_at = case when %(new_reply)s or parked_at is not null then now() else send_at end,
    parked_at = null,
    fence = fence + %(cancel_turn)s::int,
    owner = case when %(cancel_turn)s then null else owner end
where key = %(key)s
"""
WORK_LEFT = """
select asked_seq, done_seq, run_at, now() as now,
       (select max(id) from reply where thread = key and state in ('open', 'cut')) as reply
from thread where key = %s
"""
