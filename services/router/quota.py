"""How many messages a day a tenant's agents are given."""

import zlib

from services.router.mailbox import Mailbox

_SLOTS = 16
"""Rows that a tenant's day is counted in: threads of different slots do not wait for one another."""

_COUNT = """
insert into daily_messages as used (tenant_id, day, slot, messages)
select %(tenant)s::text, current_date, %(slot)s::int, 1
where (select coalesce(sum(messages), 0) from daily_messages where tenant_id = %(tenant)s and day = current_date) < %(most)s
on conflict (tenant_id, day, slot) do update set messages = used.messages + 1
returning 1
"""


async def within_quota(mailbox: Mailbox, most: int) -> bool:
    """
    Count one more message of the tenant's day, by UTC; False where it had `most` already.

    Messages that are counted at the same moment do not see one another: a few more than `most` may pass.
    """
    slot = zlib.crc32(mailbox.thread.key.encode()) % _SLOTS
    cursor = await mailbox.connection.execute(_COUNT, {"tenant": mailbox.tenant, "slot": slot, "most": most})
    return await cursor.fetchone() is not None
