"""How far a line's set-up has come, from what happened and not from what was ticked."""

from dataclasses import dataclass
from datetime import datetime

from shared.ids import TenantId
from shared.store.session import Store

_WRITTEN = "select last_inbound_at from thread where line_id = %s and last_inbound_at is not null limit 1"
_DELIVERED = """
select 1 from (select key from thread where line_id = %s limit 1000) as lately
join part on part.thread = lately.key where part.state in ('delivered', 'read') limit 1
"""
_SAVED = "select set_at from line join credential on credential.id = credential_id where line.id = %s"


@dataclass(frozen=True)
class Progress:
    """`saved_at`: when the auth token was stored. `is_reached`: a signed webhook came. `is_answered`: a reply was delivered."""

    saved_at: datetime | None = None
    is_reached: bool = False
    is_answered: bool = False


async def progress(store: Store, tenant: TenantId, line: str) -> Progress:
    """Return how far a line of a tenant is."""
    async with store.connection(tenant) as connection:
        saved = await (await connection.execute(_SAVED, (line,))).fetchone()
        written = await (await connection.execute(_WRITTEN, (line,))).fetchone()
        delivered = await (await connection.execute(_DELIVERED, (line,))).fetchone()
    return Progress(saved["set_at"] if saved else None, written is not None, delivered is not None)
