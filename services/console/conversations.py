"""Conversations as admins read them: which there are, and what was said in one, by both sides."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import merge
from typing import Any

from psycopg.rows import DictRow

from services.console.access import Principal
from services.console.records import Deed, note
from services.console.scan import Conditions, Mark, Scan, Slice
from shared.ids import TenantId
from shared.store.session import Connection, Store

MOST_COUNTED = 1_000

_LAST = 2**63 - 1
"""Behind every message and reply: a first page is looked up by the same index as the others."""

_INBOUND = f"""
select id, seq, 0 as side, received_at as created_at, outcome as status, provider_sid, sealed_text as sealed, sealed_contents, trace
from message where conversation_id = %s and seq < coalesce(%s::bigint, {_LAST}) order by seq desc limit %s
"""  # noqa: S608 - constants
_OUTBOUND = f"""
select public_id as id, id as reply, after_seq as seq, 1 as side, created_at, state as status, kind, turn_id as turn,
       sealed_body as sealed, trace
from reply where conversation_id = %s and reply.id < coalesce(%s::bigint, {_LAST}) order by reply.id desc limit %s
"""  # noqa: S608 - constants
_PARTS = """
select 'pt_' || id as id, reply_id, ordinal, state, provider_sid, failure, error_code, accepted_at
from part where reply_id = any(%s) order by reply_id, ordinal
"""
_GIVE_BACK = "update conversation set handed_off_at = null where id = %s and handed_off_at is not null returning 1"


@dataclass(frozen=True)
class Spoken:
    """Messages of both sides, the newest first; `parts` by reply. `mark`: where the next page goes on; None: nowhere."""

    rows: list[DictRow]
    parts: dict[int, list[DictRow]]
    mark: Mark | None


@dataclass(frozen=True)
class Conversations:
    """Reads them."""

    store: Store
    scan: Scan

    async def read(
        self, tenant: TenantId, within: Conditions, wanted: Conditions, after: Mark | None, most: int
    ) -> Slice:
        """Return conversations, the newest first."""
        async with self.store.transaction(tenant) as connection:
            return await self.scan.read(
                connection, {"conversation.tenant_id = %s": tenant, **within}, wanted, after, most
            )

    async def one(self, tenant: TenantId, conversation: str) -> DictRow:
        """Return one. Raises Unknown."""
        async with self.store.connection(tenant) as connection:
            return await self.scan.one(connection, {"conversation.id = %s": conversation})

    async def give_back(self, who: Principal, tenant: TenantId, conversation: str) -> None:
        """Let the agent answer again in a conversation that a person had; where none had it, nothing changes."""
        async with self.store.transaction(tenant) as connection:
            cursor = await connection.execute(_GIVE_BACK, (conversation,))
            if await cursor.fetchone() is not None:
                await note(connection, who, Deed("conversation.given_back", conversation, tenant))

    async def spoken(self, tenant: TenantId, conversation: str, after: Mark | None, limit: int) -> Spoken:
        """
        Return what was said, the newest first. `after`: the oldest message and reply of the page before.

        Messages come in the order of arrival, replies in the order in which they are sent; a reply stands behind the
        message that it answers.
        """
        seq, reply = after or (None, None)
        async with self.store.connection(tenant) as connection:
            inbound = await connection.execute(_INBOUND, (conversation, seq, limit + 1))
            outbound = await connection.execute(_OUTBOUND, (conversation, reply, limit + 1))
            said = [*merge(await inbound.fetchall(), await outbound.fetchall(), key=_place, reverse=True)]
            rows = said[:limit]
            parts = await _parts(connection, [row["reply"] for row in rows if row["side"]])
        return Spoken(rows, parts, _last(rows, seq, reply) if len(said) > limit else None)


def _place(row: DictRow) -> tuple[int, int]:
    return row["seq"], row["side"]


def _last(rows: Sequence[DictRow], seq: int | None, reply: int | None) -> list[Any]:
    for row in rows:
        if row["side"]:
            reply = row["reply"]
        else:
            seq = row["seq"]
    return [seq, reply]


async def _parts(connection: Connection, replies: list[int]) -> dict[int, list[DictRow]]:
    found: dict[int, list[DictRow]] = {}
    for row in await (await connection.execute(_PARTS, (replies,))).fetchall():
        found.setdefault(row.pop("reply_id"), []).append(row)
    return found
