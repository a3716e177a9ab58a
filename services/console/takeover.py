"""
A person goes on in the agent's place: takes a conversation over, writes, and gives it back.

What runs for the person at that moment is fenced off in one transaction: the turn cannot end with a reply, and nothing that is queued
is sent any more. An attempt that was on record before is on its way; what became of it is still found out.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

import orjson
import stamina
from psycopg.rows import DictRow

from services.console.access import Principal
from services.console.forgetting import cancel, find
from services.console.records import Deed, Unknown, note
from services.console.scan import owner
from shared.bus import Bus, BusUnavailable
from shared.events import ConversationHandedOff, ReplyReady
from shared.failures import Later
from shared.ids import ConversationId, ReplyId, TenantId, ThreadKey
from shared.store.sealed import REPLY_BODY
from shared.store.session import EVERY_TENANT, Connection, Store
from shared.topology import OUT, handed_off_subject, out_subject
from shared.vault import Vault

LONGEST = 4_000
"""Characters of what a person writes; it is sent in parts as any other reply."""

_TAKE = """
update conversation set handed_off_at = now() where id = %s and closed_at is null and handed_off_at is null returning 1
"""
_STATE = "select contact_id, closed_at, handed_off_at from conversation where id = %s"
_KEEP_ASKED = """
update message set outcome = 'handed_off' from thread
where message.thread = thread.key and thread.key = any(%s) and message.tenant_id = %s and seq > done_seq and outcome = 'asked'
"""
_ON_ITS_WAY = "select count(*) as parts from part where thread = any(%s) and tenant_id = %s and state = 'sending'"
_THREAD = """
select key, coalesce(root, key) as sender, thread.tenant_id, last_seq, opted_out_at, line.enabled from thread
join line on line.id = thread.line_id
where key = (select thread from message where conversation_id = %s order by seq desc limit 1) for update of thread nowait
"""
_WINDOW = """
select last_inbound_at > now() - interval '24 hours' as is_open from thread
where key = (select thread from message where conversation_id = %s order by seq desc limit 1)
"""
_WRITE = """
insert into reply (public_id, tenant_id, thread, conversation_id, after_seq, kind, sealed_body, received_at)
values (%(reply)s, %(tenant)s, %(thread)s, %(conversation)s, %(after)s, 'human', %(sealed)s, now())
on conflict (public_id) do nothing returning id
"""


class NotOpen(Exception):
    """The conversation is closed: the person's next message opens another."""


class NotTaken(Exception):
    """Nobody has taken the conversation over, so the agent answers in it."""


class CannotBeTold(Exception):
    """The person said STOP, or the line is off."""


@dataclass(frozen=True)
class Taken:
    """A conversation that a person has now. `on_its_way`: parts of the agent's whose sending had begun before."""

    tenant: TenantId
    on_its_way: int


@dataclass(frozen=True)
class Takeover:
    """The ways to do it."""

    store: Store
    vault: Vault
    bus: Bus

    async def take(self, who: Principal, conversation: str) -> Taken:
        """Take a conversation over; nothing changes where somebody has it. Raises Unknown, NotOpen, Later."""
        tenant = await owner(self.store, who, "conversation", {"id = %s": conversation})
        async for again in _while_busy():
            with again:
                taken = await self._take(who, tenant, conversation)
        if taken is None:
            return Taken(tenant, 0)
        await self._tell(tenant, conversation)
        return taken

    async def _take(self, who: Principal, tenant: TenantId, conversation: str) -> Taken | None:
        async with self.store.transaction(EVERY_TENANT) as connection:
            person = await find(connection, tenant, (await _state(connection, conversation))["contact_id"])
            taken = await (await connection.execute(_TAKE, (conversation,))).fetchone()
            if taken is None:
                if (await _state(connection, conversation))["closed_at"] is not None:
                    raise NotOpen
                return None
            await connection.execute(_KEEP_ASKED, (person.keys, tenant))
            await cancel(connection, person)
            row = await (await connection.execute(_ON_ITS_WAY, (person.keys, tenant))).fetchone()
            await note(connection, who, Deed("conversation.taken_over", conversation, tenant))
        return Taken(tenant, row["parts"] if row else 0)

    async def write(self, who: Principal, conversation: str, reply: str, text: str) -> None:
        """
        Queue what a person writes: a reply of kind human, which egress sends as any other, within the 24 hours.

        `reply`: its outward id, made before, so that a form that is sent twice is one reply.
        Raises Unknown, NotOpen, NotTaken, CannotBeTold, Later.
        """
        tenant = await owner(self.store, who, "conversation", {"id = %s": conversation})
        sealed = await self._sealed(tenant, reply, text)
        async for again in _while_busy():
            with again:
                ready = await self._write(who, tenant, conversation, reply, sealed)
        if ready is not None:
            with suppress(BusUnavailable):  # egress finds it by its time
                subject = out_subject(ready.tenant, ready.thread)
                await self.bus.publish(OUT, subject, ready, message_id=f"reply:{ready.reply_id}")

    async def _write(
        self, who: Principal, tenant: TenantId, conversation: str, reply: str, sealed: bytes
    ) -> ReplyReady | None:
        """Queue a reply and return the hint for it; None where it was queued before."""
        async with self.store.transaction(EVERY_TENANT) as connection:
            thread = await (await connection.execute(_THREAD, (conversation,))).fetchone()
            state = await _state(connection, conversation)
            _check(state, thread)
            assert thread is not None, "it was checked"  # noqa: S101
            values = {
                "reply": reply, "tenant": tenant, "thread": thread["key"], "conversation": conversation,
                "after": thread["last_seq"], "sealed": sealed,
            }  # fmt: skip
            made = await (await connection.execute(_WRITE, values)).fetchone()
            if made is None:
                return None
            await connection.execute("update thread set send_at = now() where key = %s", (thread["key"],))
            await note(connection, who, Deed("conversation.answered", conversation, tenant, after={"reply": reply}))
        return ReplyReady(
            tenant=TenantId(thread["tenant_id"]), thread=ThreadKey(thread["sender"]), reply_id=ReplyId(made["id"])
        )

    async def is_window_open(self, tenant: TenantId, conversation: str) -> bool:
        """Tell whether the person wrote within 24 hours: else what is written waits until they do."""
        async with self.store.connection(tenant) as connection:
            row = await (await connection.execute(_WINDOW, (conversation,))).fetchone()
        return bool(row and row["is_open"])

    async def _sealed(self, tenant: TenantId, reply: str, text: str) -> bytes:
        async with self.store.connection(tenant) as connection:
            await self.store.have_keys(connection, tenant)
        return self.vault.seal(orjson.dumps({"markdown": text, "sources": []}), REPLY_BODY.at(tenant, reply))

    async def _tell(self, tenant: TenantId, conversation: str) -> None:
        """Say so to whoever listens, as the agent does where it hands over by itself. Best effort."""
        handed = ConversationHandedOff(tenant=tenant, conversation=ConversationId(conversation))
        with suppress(Exception):
            await self.bus.announce(handed_off_subject(tenant, ConversationId(conversation)), handed)


def _while_busy() -> AsyncIterator[stamina.Attempt]:
    """Try again while router, agent or egress hold the person's thread: they do so for one short transaction."""
    return stamina.retry_context(on=Later, attempts=20, timeout=5.0, wait_initial=0.05, wait_max=0.5)


async def _state(connection: Connection, conversation: str) -> DictRow:
    row = await (await connection.execute(_STATE, (conversation,))).fetchone()
    if row is None:
        raise Unknown
    return row


def _check(state: DictRow, thread: DictRow | None) -> None:
    if state["closed_at"] is not None:
        raise NotOpen
    if state["handed_off_at"] is None:
        raise NotTaken
    if thread is None or thread["opted_out_at"] is not None or not thread["enabled"]:
        raise CannotBeTold
