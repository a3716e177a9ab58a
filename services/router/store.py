"""The SQL behind the router's desk: finding, locking and closing mailboxes."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import orjson
from psycopg.rows import DictRow

from services.router.contacts import Contacts, Sender
from services.router.mailbox import TENANTS_AGENT, Line, Mailbox, Message, Thread, Unreadable, Work
from shared.addresses import Pepper
from shared.events import InboundContent, InboundReceived
from shared.failures import UNKNOWN_LINE, GatewayError
from shared.faultpoints import Step
from shared.ids import (
    Address,
    AgentId,
    ContactId,
    ConversationId,
    LineId,
    ReplyId,
    TenantId,
    ThreadKey,
    UserId,
)
from shared.ids import Sequence as StreamSequence
from shared.store.session import Connection, Store
from shared.vault import Vault

_LINE = (
    "line.id as line_id, line.tenant_id as tenant, agent_id, kind, channel, provider, sender, enabled, access, quiet_ms"
)
_THREAD = (
    "key", "guests", "last_seq", "asked_seq", "done_seq", "hits", "wrong_codes", "noticed", "opted_out_at", "last_inbound_at",
    "last_provider_sid", "failing_seq", "failures", "run_at", "burst_at", "sending",
)  # fmt: skip
_CONVERSATION = """
(select id from conversation where conversation.contact_id = thread.contact_id
   and conversation.channel = line.channel and conversation.line_id = line.id and closed_at is null)
"""
_GUEST = f"""
select {TENANTS_AGENT} as agent,
       {_CONVERSATION} as conversation
from tenant, thread join line on line.id = thread.line_id where tenant.id = %s and thread.key = %s
"""  # noqa: S608 - constants
"""Who answers a tenant's user on a shared line, and their open conversation there."""

_LOCK = "select 1 from thread where key = %(key)s for update nowait"
_LOCKED = f"""
select thread.*, send_at is not null as sending, {_LINE}, now() as now,
       bound.user_id as bound, bound.tenant_id as bound_tenant, {_CONVERSATION} as conversation,
       array(select provider_sid from message_known
             join unnest(%(accounts)s::text[], %(sids)s::text[]) as asked (account, sid)
               on account_sid = account and provider_sid = sid) as logged
from thread join line on line.id = thread.line_id
left join lateral (
  select user_id, tenant_id from binding_owner where binding_owner.channel = line.channel and address_key = any(%(addresses)s)
  order by tenant_id <> line.tenant_id limit 1
) as bound on true
where key = %(key)s
"""  # noqa: S608 - constants
"""
A thread with its line, whoever is bound to its sender's addresses, its open conversation, and which of the messages that wait
are in the log. It has to be a statement of its own, after the one that locks the thread, lest it reads of the time before.
"""


@dataclass(frozen=True)
class Desk:
    """Where the router opens mailboxes."""

    store: Store
    vault: Vault
    pepper: Pepper

    @property
    def contacts(self) -> Contacts:
        """Return who finds the contacts."""
        return Contacts(self.vault, self.pepper)

    async def last_seen(self, tenant: TenantId, thread: ThreadKey) -> StreamSequence:
        """Return up to where a thread was read; 0 for a new one."""
        async with self.store.connection(tenant) as connection:
            cursor = await connection.execute("select last_seq from thread where key = %s", (thread,))
            row = await cursor.fetchone()
        return StreamSequence(row["last_seq"] if row else 0)

    @asynccontextmanager
    async def open(
        self, key: ThreadKey, event: InboundReceived, waiting: Sequence[Message | Unreadable] = ()
    ) -> AsyncIterator[Mailbox]:
        """
        Lock a thread for one transaction, making it for a first message. Raises `Later` when somebody else has it.

        Raises `GatewayError`: UNKNOWN_LINE for a line that is gone, SEALED_UNREADABLE for a content without its key.
        """
        content = InboundContent.model_validate_json(self.vault.open_text(event.sealed, event.seal_context))
        sender = Sender(event.channel, content)
        messages = [message for message in waiting if isinstance(message, Message)]
        wanted = {
            "key": key,
            "addresses": [
                bound for address in sender.addresses for bound in self.pepper.global_keys(event.channel, address)
            ],
            "accounts": [message.account_sid for message in messages],
            "sids": [message.provider_sid for message in messages],
        }
        async with self.store.transaction(event.tenant, step=Step.ROUTER_COMMIT) as connection:
            row = await _locked(connection, wanted)
            if row is not None and self.pepper.rotating:
                await self.contacts.learn(connection, row["tenant"], sender, row["contact_id"])
            while row is None:
                line = await _line(connection, event.line)
                contact = await self.contacts.of(connection, line.tenant, sender)
                await _insert(connection, key, line, contact)
                row = await _locked(connection, wanted)
            mailbox = self._mailbox(connection, row, sender)
            await self._follow_guests(mailbox, row)
            yield mailbox
            await _close(mailbox)

    def _mailbox(self, connection: Connection, row: DictRow, sender: Sender) -> Mailbox:
        line = _as_line(row)
        return Mailbox(
            connection,
            self.store,
            self.vault,
            self.pepper,
            self.contacts,
            line=line,
            thread=Thread(contact=ContactId(row["contact_id"]), **{name: row[name] for name in _THREAD}),
            sender=sender,
            tenant=line.tenant,
            agent=line.agent,
            binding=UserId(row["bound"]) if row["bound_tenant"] == line.tenant else None,
            bound_elsewhere=row["bound"] is not None and row["bound_tenant"] != line.tenant,
            now=row["now"],
            logged=set(row["logged"]),
            conversation=ConversationId(row["conversation"]) if row["conversation"] else None,
        )

    async def _follow_guests(self, mailbox: Mailbox, row: DictRow) -> None:
        """On a shared line, be there for the tenant of the user who writes, and see what was said for others before."""
        if not mailbox.line.is_shared:
            return
        await mailbox.see_guests()
        if mailbox.bound_elsewhere:
            cursor = await mailbox.connection.execute(_GUEST, (row["bound_tenant"], mailbox.thread.key))
            guest = await cursor.fetchone()
            mailbox.serve(TenantId(row["bound_tenant"]), UserId(row["bound"]), guest or {})

    async def work_left(self, tenant: TenantId, key: ThreadKey) -> Work:
        """Return what a thread waits for now."""
        async with self.store.connection(tenant) as connection:
            cursor = await connection.execute(
                """
                select asked_seq, done_seq, run_at, now() as now,
                       (select max(id) from reply where thread = key and state in ('open', 'cut')) as reply
                from thread where key = %s
                """,
                (key,),
            )
            row = await cursor.fetchone()
        if row is None:
            return Work(None, None, None)
        return Work(
            StreamSequence(row["asked_seq"]) if row["asked_seq"] > row["done_seq"] else None,
            row["run_at"] if row["run_at"] > row["now"] else None,
            ReplyId(row["reply"]) if row["reply"] is not None else None,
        )


async def _line(connection: Connection, line: LineId) -> Line:
    cursor = await connection.execute(f"select {_LINE} from line where id = %s", (line,))  # noqa: S608 - constants
    row = await cursor.fetchone()
    if row is None:
        raise GatewayError(UNKNOWN_LINE)
    return _as_line(row)


def _as_line(row: DictRow) -> Line:
    return Line(
        id=LineId(row["line_id"]),
        tenant=TenantId(row["tenant"]),
        agent=AgentId(row["agent_id"]),
        channel=row["channel"],
        provider=row["provider"],
        sender=Address(row["sender"]),
        enabled=row["enabled"],
        is_open=row["access"] == "open",
        is_shared=row["kind"] == "shared",
        quiet=timedelta(milliseconds=row["quiet_ms"]),
    )


async def _locked(connection: Connection, wanted: Mapping[str, object]) -> DictRow | None:
    await connection.execute(_LOCK, wanted)
    cursor = await connection.execute(_LOCKED, wanted)
    return await cursor.fetchone()


async def _insert(connection: Connection, key: ThreadKey, line: Line, contact: ContactId) -> None:
    await connection.execute(
        "insert into thread (key, tenant_id, line_id, contact_id) values (%s, %s, %s, %s) on conflict do nothing",
        (key, line.tenant, line.id, contact),
    )


async def _close(mailbox: Mailbox) -> None:
    """
    Write the thread back.

    A cancelled turn loses its fence, so that what it still does cannot commit. Parked replies may go: the person wrote.
    """
    thread = mailbox.thread
    await mailbox.connection.execute(
        """
        update thread set contact_id = %(contact)s, guests = %(guests)s, last_seq = %(last_seq)s, asked_seq = %(asked_seq)s, done_seq = %(done_seq)s, hits = %(hits)s,
            wrong_codes = %(wrong_codes)s, noticed = %(noticed)s, opted_out_at = %(opted_out_at)s,
            last_inbound_at = %(last_inbound_at)s, last_provider_sid = %(last_provider_sid)s,
            failing_seq = %(failing_seq)s, failures = %(failures)s,
            run_at = %(run_at)s, burst_at = %(burst_at)s,
            send_at = case when %(new_reply)s or parked_at is not null then now() else send_at end,
            parked_at = null,
            fence = fence + %(cancel_turn)s::int,
            owner = case when %(cancel_turn)s then null else owner end
        where key = %(key)s
        """,
        {**vars(thread), "noticed": orjson.dumps(thread.noticed).decode()},
    )
