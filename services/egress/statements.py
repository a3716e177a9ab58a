"""The statements of the send ledger: each a step of its own, so that a step is one round trip."""

from services.egress import parts
from shared.fairness import FAIR_ORDER
from shared.store.credentials import CREDENTIAL
from shared.store.presence import OWNER_IS_DEAD

FREE = (
    f"(out_owner is null or out_owner = %(owner)s or out_until < now() or {OWNER_IS_DEAD.format(column='out_owner')})"
)
"""A claim of this very process counts as free: it only ever claims a thread that it is not busy with."""

SUPERSEDED = "superseded"
"""Outcome of an attempt that a later one took the place of: its bad news counts no more, a proof of delivery does."""

LEASE = "45 s"
"""Longer than one call to the provider may take."""

DUE = FAIR_ORDER.format(
    due=f"""
      select tenant_id, coalesce(root, key) as key, send_at as since from thread_schedule
      where send_at <= now() - %(patience)s * interval '1 s' and {FREE}
    """,  # noqa: S608 - constants
    each=50,
)
UNSENT = f"{tuple(sorted(parts.UNSENT))}"
OPEN = f"{tuple(sorted(parts.OPEN))}"
DROP_CANCELLED = f"""
  update part set state = 'cancelled' from reply
  where reply.id = part.reply_id and part.thread = %(thread)s and part.state in {UNSENT} and reply.state = 'cancelled'
"""  # noqa: S608 - constants
"""Cancels the unsent parts of cancelled replies."""


VIEW = f"""
select part.*, uncut.id as uncut, uncut.public_id, uncut.sealed_body, uncut.tenant_id as uncut_tenant,
       uncut.trace as uncut_trace
from (select 1) as one
left join lateral (
  select id, public_id, sealed_body, tenant_id, trace from reply
  where thread = %(thread)s and state = 'open' order by id limit 1
) as uncut on true
left join lateral (
  (select reply_id, ordinal, part.state, next_at, accepted_at, part.tenant_id as tenant, part.sealed_body as sealed, tries,
          reply.trace, (select count(*) from part other where other.reply_id = part.reply_id) as of
   from part join reply on reply.id = part.reply_id
   where part.thread = %(thread)s and part.state in {OPEN}
     and not (part.state in {UNSENT} and reply.state = 'cancelled'))
  union all
  (select reply_id, ordinal, state, next_at, accepted_at, null, null, null, null, null from part
   where thread = %(thread)s and accepted_at is not null order by reply_id desc, ordinal desc limit 1)
) as part on true
order by part.reply_id, part.ordinal
"""  # noqa: S608 - constants
"""
A thread's open parts in sending order, with all that it takes to send them, behind the last one that was accepted; and its
oldest reply without parts.

It has to be a statement of its own, after the one that locks the thread: what a statement that waited for the lock reads
beside it is of the time before the wait.
"""

CUT = """
with written as (
  insert into part (tenant_id, thread, reply_id, ordinal, sealed_body)
  select %(tenant)s, %(thread)s, %(reply)s, ordinal, sealed
  from unnest(%(sealed)s::bytea[]) with ordinality as body (sealed, ordinal)
)
update reply set state = %(state)s where id = %(reply)s and state = 'open'
"""

PART = "reply_id = %(reply)s and ordinal = %(ordinal)s"

BEGIN = f"""
with begun as (
  update part set state = 'sending', tries = tries + 1, next_at = null where {PART} returning id, tenant_id
),
replaced as (
  update attempt set outcome = '{SUPERSEDED}' from begun where part_id = begun.id and outcome in ('sending', 'unknown')
)
insert into attempt (id, tenant_id, part_id) select %(attempt)s, tenant_id, id from begun
"""  # noqa: S608 - constants

ACCEPT = f"""
with ended as (
  update attempt set outcome = 'accepted', http_status = coalesce(%(http_status)s, http_status), error_code = null,
                     provider_sid = %(sid)s, ended_at = now()
  where id = %(attempt)s
),
taken as (
  update part set provider_sid = %(sid)s, accepted_at = coalesce(accepted_at, now()), next_at = null,
                  state = case when state = any(%(below)s) then %(towards)s else state end
  where {PART}
)
update reply set state = 'done'
where id = %(reply)s and state = 'cut'
  and not exists (select 1 from part where reply_id = %(reply)s and ordinal <> %(ordinal)s and state in {OPEN})
"""  # noqa: S608 - constants

FENCED = f"""
update thread set out_until = now() + interval '{LEASE}'
where key = %(thread)s and out_fence = %(fence)s and out_owner = %(owner)s
returning now() as now, coalesce(last_inbound_at, now()) as heard, root is not null as in_group
"""  # noqa: S608 - constants

RELEASE = f"""
with dropped as ({DROP_CANCELLED})
update thread set out_owner = null, send_at = %(send_at)s where key = %(thread)s and out_fence = %(fence)s
"""  # noqa: S608 - constants

_CLAIM = """
with claimed as (
  update thread set out_owner = %(owner)s, out_fence = out_fence + 1, out_until = now() + interval '{lease}'
  where key = %(thread)s and {due} and {free}
  returning key, tenant_id, line_id, contact_id, guests, out_fence, last_inbound_at,
            send_at, old.out_owner <> %(owner)s as taken_over
)
select thread.root, taken_over, coalesce(claimed.send_at, now()) as due_at, claimed.tenant_id, claimed.contact_id, claimed.guests, claimed.out_fence, line.channel, line.provider,
       line.sender, long_replies, reply_limit, {credential},
       contact.tenant_id as contact_tenant, sealed_address, coalesce(claimed.last_inbound_at, now()) as heard, now() as now
from thread left join claimed on true
left join line on line.id = claimed.line_id left join credential on credential.id = credential_id
left join contact on contact.id = claimed.contact_id
where thread.key = %(thread)s
"""
"""
Takes the right to send. On a shared line the contact may be a guest's, and is only seen once that is in scope. Without anything
to send it still tells the root, where the person has several threads on the line.
"""

CLAIM = _CLAIM.format(lease=LEASE, free=FREE, credential=CREDENTIAL, due="root is null and send_at is not null")

LOCK_GROUP = "select 1 from thread where key = %(thread)s for update nowait"
GUESTS = "select distinct unnest(guests) as guest from thread where root = %(thread)s"
_NOBODY_SENDS = f"""
not exists (
  select 1 from thread as other where other.root = %(thread)s and other.key <> %(thread)s
    and other.out_owner is not null and other.out_until >= now() and not {OWNER_IS_DEAD.format(column="other.out_owner")})
"""  # noqa: S608 - constants
CLAIM_GROUP = _CLAIM.format(lease=LEASE, free=FREE, credential=CREDENTIAL, due=_NOBODY_SENDS)
"""As `CLAIM`, for the root of a person's threads, once nobody sends on another of them from before they had a root."""

GATHER = f"""
with other as (
  update thread set send_at = null where root = %(thread)s and key <> %(thread)s and send_at is not null returning key
),
moved as (
  update reply set thread = %(thread)s from other where reply.thread = other.key and state in ('open', 'cut') returning id
)
update part set thread = %(thread)s from other
where part.thread = other.key and (part.state in {OPEN} or reply_id in (select id from moved))
"""  # noqa: S608 - constants
"""What is left to send on a person's other threads is sent by their root, the oldest first (ADR 14)."""

GUEST = "select tenant_id as contact_tenant, sealed_address from contact where id = %s"
