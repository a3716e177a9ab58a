"""What the chat history tells beside the conversations themselves: last lines, tools, neighbours; words; and everything as JSON."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from operator import itemgetter

import orjson
from psycopg.rows import DictRow

from services.console.access import Principal
from services.console.api.texts import opened
from services.console.records import Deed, Span, note
from shared.ids import TenantId
from shared.store.sealed import MESSAGE_TEXT, PART_BODY, REPLY_BODY
from shared.store.session import Store
from shared.vault import Vault

SEARCHED = 5_000
"""How many texts are opened for a search, the newest of what the dates name: they rest sealed, so no index knows their words."""
MOST_FOUND = 100

HAS_ERRORS = """
(exists (select from reply where reply.conversation_id = conversation.id and reply.state = 'failed')
 or exists (select from turn where turn.conversation_id = conversation.id and turn.failure is not null)) = %s
"""

_LAST = """
select it.id as conversation, message.id as message, sealed_text, received_at, reply.public_id as reply, sealed_body, created_at
from unnest(%s::text[]) as it(id)
left join lateral (
  select id, sealed_text, received_at from message where conversation_id = it.id order by seq desc limit 1
) as message on true
left join lateral (
  select public_id, sealed_body, created_at from reply where conversation_id = it.id order by id desc limit 1
) as reply on true
"""
_TOOLS = """
select turn.id as turn, turn.model, turn.failure, turn.steps, tool_call.step, tool_call.name, tool_call.sealed_result is null as is_open,
       (extract(epoch from finished_at - started_at) * 1000)::bigint as ms
from turn left join tool_call on tool_call.turn_id = turn.id where turn.id = any(%s)
order by turn.id, tool_call.step, tool_call.created_at
"""
_NEIGHBOURS = """
select (select max(id) from conversation where contact_id = %(contact)s and id < %(conversation)s) as earlier,
       (select min(id) from conversation where contact_id = %(contact)s and id > %(conversation)s) as later
"""
_INBOUND = f"""
select conversation_id, id, sealed_text as sealed, received_at as at from message
where tenant_id = %(tenant)s and received_at >= coalesce(%(since)s::timestamptz, '-infinity')
  and received_at < coalesce(%(until)s::timestamptz, 'infinity') and conversation_id is not null
order by received_at desc, id desc limit {SEARCHED}
"""  # noqa: S608 - constants
_OUTBOUND = f"""
select reply.conversation_id, part.reply_id, part.ordinal, part.sealed_body as sealed, part.at from (
  select reply_id, ordinal, sealed_body, created_at as at from part
  where tenant_id = %(tenant)s and created_at >= coalesce(%(since)s::timestamptz, '-infinity')
  and created_at < coalesce(%(until)s::timestamptz, 'infinity')
  order by created_at desc, id desc limit {SEARCHED}
) as part join reply on reply.id = part.reply_id where reply.conversation_id is not null
"""  # noqa: S608 - constants


@dataclass(frozen=True)
class Turn:
    """A run of the agent, folded away in a thread. `tools`: names of what was called, in order."""

    model: str | None
    failure: str | None
    steps: int
    ms: int | None
    tools: Sequence[str]


@dataclass(frozen=True)
class Found:
    """What a search came to: conversations, the newest match first; how many texts were opened, and since when they are."""

    conversations: Sequence[str]
    read: int
    since: datetime | None


@dataclass(frozen=True)
class History:
    """Reads it, within one company."""

    store: Store
    vault: Vault

    async def last_lines(self, tenant: TenantId, conversations: Sequence[str], *, history: bool) -> dict[str, str]:
        """Return what was said last in each, by either side; nothing where texts are not kept."""
        if not history or not conversations:
            return {}
        async with self.store.connection(tenant) as connection:
            rows = await (await connection.execute(_LAST, (list(conversations),))).fetchall()
        lines = {row["conversation"]: self._last(tenant, row) for row in rows}
        return {conversation: line for conversation, line in lines.items() if line}

    async def turns(self, tenant: TenantId, turns: Iterable[str]) -> Mapping[str, Turn]:
        """Return what the agent did for these turns."""
        async with self.store.connection(tenant) as connection:
            rows = await (await connection.execute(_TOOLS, (list(turns),))).fetchall()
        found: dict[str, list[DictRow]] = {}
        for row in rows:
            found.setdefault(row["turn"], []).append(row)
        return {turn: _turn(theirs) for turn, theirs in found.items()}

    async def neighbours(self, tenant: TenantId, contact: str, conversation: str) -> DictRow:
        """Return the person's conversations before and after one."""
        async with self.store.connection(tenant) as connection:
            cursor = await connection.execute(_NEIGHBOURS, {"contact": contact, "conversation": conversation})
            row = await cursor.fetchone()
        assert row is not None, "a select without a table has one row"  # noqa: S101
        return row

    async def search(self, tenant: TenantId, words: str, within: Span) -> Found:
        """Return the conversations in which a text has all of these words, whatever their case."""
        asked = {"tenant": tenant, "since": within.at_least, "until": within.below}
        async with self.store.connection(tenant) as connection:
            rows = [
                row
                for query in (_INBOUND, _OUTBOUND)
                for row in await (await connection.execute(query, asked)).fetchall()
            ]
        newest = sorted(rows, key=itemgetter("at"), reverse=True)[:SEARCHED]
        found = await asyncio.to_thread(lambda: [*islice(self._having(tenant, newest, words), MOST_FOUND)])
        return Found(found, len(newest), newest[-1]["at"] if newest else None)

    async def note_export(
        self, who: Principal, tenant: TenantId, what: str, filters: Mapping[str, str | None] | None = None
    ) -> None:
        """Leave a line in the audit log. `what`: a conversation, or the company all of whose are meant that `filters` name."""
        async with self.store.transaction(tenant) as connection:
            await note(connection, who, Deed("conversation.exported", what, tenant, after=filters))

    def _having(self, tenant: TenantId, rows: Iterable[DictRow], words: str) -> Iterator[str]:
        wanted, told = words.casefold().split(), set()
        for row in rows:
            if row["conversation_id"] not in told and all(it in self._text(tenant, row).casefold() for it in wanted):
                told.add(row["conversation_id"])
                yield row["conversation_id"]

    def _text(self, tenant: TenantId, row: DictRow) -> str:
        at = (
            PART_BODY.at(tenant, row["reply_id"], row["ordinal"])
            if "ordinal" in row
            else MESSAGE_TEXT.at(tenant, row["id"])
        )
        return opened(self.vault, row["sealed"], at, history=True).text or ""

    def _last(self, tenant: TenantId, row: DictRow) -> str | None:
        if row["reply"] and (row["received_at"] is None or row["created_at"] >= row["received_at"]):
            at = REPLY_BODY.at(tenant, row["reply"])
            return opened(self.vault, row["sealed_body"], at, history=True, read=_markdown).text
        if row["message"] is None:
            return None
        return opened(self.vault, row["sealed_text"], MESSAGE_TEXT.at(tenant, row["message"]), history=True).text


def _turn(rows: Sequence[DictRow]) -> Turn:
    first = rows[0]
    return Turn(
        first["model"], first["failure"], first["steps"], first["ms"], [row["name"] for row in rows if row["name"]]
    )


def _markdown(body: bytes) -> str:
    return str(orjson.loads(body)["markdown"])
