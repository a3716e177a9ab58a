"""Paired numbers: how an admin ends the pairing, and what the person is told of it."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import orjson
from psycopg import sql

from services.console.access import Principal
from services.console.forgetting import cancel, find
from services.console.records import Deed, Unknown, note
from services.console.scan import owner
from shared.bus import Bus, BusUnavailable
from shared.events import ReplyReady
from shared.ids import ContactId, ReplyId, TenantId, ThreadKey, new_id
from shared.store.sealed import REPLY_BODY
from shared.store.session import EVERY_TENANT, Connection, Store
from shared.topology import OUT, out_subject
from shared.vault import Vault

_GOODBYE = "This number was disconnected from its account by an admin."

_SEE = "select set_config('trunkline.tenants', %s, true)"

_OPEN_THREAD = """
select thread.key, thread.last_seq from thread join line on line.id = thread.line_id
where contact_id = %s and opted_out_at is null and line.enabled and last_inbound_at > now() - interval '24 hours'
order by last_inbound_at desc limit 1
for update of thread nowait
"""
"""Where the person may be told something without a template."""


async def end_bindings(
    connection: Connection, who: Principal, column: Literal["id", "user_id"], value: str, reason: str
) -> None:
    """
    End a binding, or a user's: the next message is a stranger's.

    What was under way for the user is cut off, since the phone may be somebody else's by now: the turn, what is queued, and the
    conversation. Raises `Later` at the end.
    """
    statement = sql.SQL("delete from binding where {} = %s returning id, tenant_id, user_id, contact_id, channel")
    cursor = await connection.execute(statement.format(sql.Identifier(column)), (value,))
    for row in await cursor.fetchall():
        await _cut_off(connection, row["tenant_id"], row["contact_id"])
        await connection.execute(
            "update conversation set closed_at = now() where contact_id = %s and channel = %s and closed_at is null",
            (row["contact_id"], row["channel"]),
        )
        was = {"user": row["user_id"], "contact": row["contact_id"], "channel": row["channel"]}
        await note(connection, who, Deed("binding.ended", row["id"], row["tenant_id"], was, {"reason": reason}))


async def _cut_off(connection: Connection, tenant: str, contact: str) -> None:
    """Cut a user off, on shared lines too, whose threads are the rows of the line's tenant."""
    row = await (await connection.execute("select current_setting('trunkline.tenants') as seen")).fetchone()
    await connection.execute(_SEE, (EVERY_TENANT,))
    await cancel(connection, await find(connection, tenant, contact))
    await connection.execute(_SEE, (row["seen"] if row else "",))


@dataclass(frozen=True)
class Farewell:
    """A goodbye that is queued."""

    tenant: TenantId
    thread: ThreadKey
    reply: ReplyId


@dataclass(frozen=True)
class Bindings:
    """Ends pairings."""

    store: Store
    vault: Vault
    bus: Bus

    async def unbind(self, who: Principal, binding: str, reason: str, *, goodbye: bool) -> bool:
        """
        End a binding; return whether the person will be told. Raises Unknown, Later.

        They are told only where they wrote within 24 hours, on a line of the tenant's own.
        """
        tenant = await owner(self.store, who, "binding", {"id = %s": binding})
        async with self.store.transaction(tenant) as connection:
            cursor = await connection.execute("select contact_id from binding where id = %s", (binding,))
            row = await cursor.fetchone()
            if row is None:
                raise Unknown
            await end_bindings(connection, who, "id", binding, reason)
            told = await self._say_goodbye(connection, tenant, row["contact_id"]) if goodbye else None
        if told is not None:
            await self._hint(told)
        return told is not None

    async def is_over(self, who: Principal, binding: str) -> bool:
        """Tell whether an admin ended it, which tells it from one that was never theirs."""
        async with self.store.connection(who.sees) as connection:
            cursor = await connection.execute(
                "select 1 from audit where tenant_id = coalesce(%s, tenant_id) and action = 'binding.ended' and object = %s limit 1",
                (who.tenant, binding),
            )
            return await cursor.fetchone() is not None

    async def _say_goodbye(self, connection: Connection, tenant: TenantId, contact: ContactId) -> Farewell | None:
        """Queue a sentence, after what was queued before was dropped. The thread's row is locked first, as every writer does."""
        thread = await (await connection.execute(_OPEN_THREAD, (contact,))).fetchone()
        if thread is None:
            return None
        public_id = new_id("rp")
        body = self.vault.seal(orjson.dumps({"markdown": _GOODBYE, "sources": []}), REPLY_BODY.at(tenant, public_id))
        cursor = await connection.execute(
            """
            insert into reply (public_id, tenant_id, thread, after_seq, kind, sealed_body, received_at)
            values (%s, %s, %s, %s, 'notice', %s, now()) returning id
            """,
            (public_id, tenant, thread["key"], thread["last_seq"], body),
        )
        reply = await cursor.fetchone()
        await connection.execute("update thread set send_at = now() where key = %s", (thread["key"],))
        assert reply is not None, "an insert returns its row"  # noqa: S101
        return Farewell(tenant, ThreadKey(thread["key"]), ReplyId(reply["id"]))

    async def _hint(self, told: Farewell) -> None:
        ready = ReplyReady(tenant=told.tenant, thread=told.thread, reply_id=told.reply)
        with suppress(BusUnavailable):  # egress finds it by its time
            await self.bus.publish(OUT, out_subject(told.tenant, told.thread), ready, message_id=f"reply:{told.reply}")
