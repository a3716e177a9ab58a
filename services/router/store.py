"""The SQL behind the router's desk: finding, locking and closing mailboxes."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from psycopg.rows import DictRow

from services.router import statements as sql
from services.router.contacts import Contacts, Sender
from services.router.mailbox import Mailbox
from services.router.merging import bring_together
from services.router.threads import Group, Line, Message, Regrouped, Thread, Unreadable, Work, gather
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


@dataclass(frozen=True)
class Desk:
    """Where the router opens mailboxes."""

    store: Store
    vault: Vault
    pepper: Pepper

    @property
    def contacts(self) -> Contacts:
        """Return who finds the contacts."""
        return Contacts(self.store, self.vault, self.pepper)

    async def group(self, tenant: TenantId, thread: ThreadKey) -> Group:
        """Return the threads of whoever this one is of, and up to where each was read; 0 for a new one."""
        alone = await self.store.rows(sql.SEEN, (thread,), tenant)
        if not alone or alone[0]["root"] is None:
            return Group.alone(thread, StreamSequence(alone[0]["last_seq"] if alone else 0))
        rows = await self.store.rows(sql.GROUP, (thread,), tenant)
        seen = {ThreadKey(row["key"]): StreamSequence(row["last_seq"]) for row in rows}
        return Group(ThreadKey(rows[0]["root"]), seen)

    @asynccontextmanager
    async def open(
        self, group: Group, event: InboundReceived, waiting: Sequence[Message | Unreadable] = ()
    ) -> AsyncIterator[Mailbox]:
        """
        Lock a person's threads for one transaction, making one for a first message. Raises `Later` when somebody else has one.

        Raises `Regrouped` where they are grouped otherwise than was read, by others or here and now.
        Raises `GatewayError`: UNKNOWN_LINE for a line that is gone, SEALED_UNREADABLE for a content without its key.
        """
        content = InboundContent.model_validate_json(self.vault.open_text(event.sealed, event.seal_context))
        messages = [message for message in waiting if isinstance(message, Message)]
        sender = Sender(event.channel, content, tuple(message.content for message in messages))
        async with self.store.transaction(event.tenant, step=Step.ROUTER_COMMIT) as connection:
            row = await self._find(connection, group, event, sender, messages)
            others = [] if row["root"] is None else await _others(connection, group.root)
            if row["root"] in {None, group.root} and {group.root, *(it.key for it in others)} == set(group.seen):
                mailbox = self._mailbox(connection, row, sender, others)
                await self._follow_guests(mailbox, row)
                if row["unaddressed"] is not None:
                    await self.contacts.write_down(connection, row["unaddressed"], sender, ContactId(row["contact_id"]))
                yield mailbox
                await _close(mailbox)
                return
        raise Regrouped

    async def _find(
        self,
        connection: Connection,
        group: Group,
        event: InboundReceived,
        sender: Sender,
        messages: Sequence[Message],
    ) -> DictRow:
        """Return the root's row, locked with the whole group; whoever writes is known by all of their addresses."""
        keys = sender.newest_keys(self.pepper, event.tenant)
        wanted = {
            "key": group.root,
            "group": list(group.seen),
            "keys": keys if len(keys) > 1 or self.pepper.rotating else [],
            "addresses": sender.global_keys(self.pepper),
            "accounts": [message.account_sid for message in messages],
            "sids": [message.provider_sid for message in messages],
        }
        row = await _locked(connection, wanted)
        is_fresh = row is None
        if row is not None and row["known"] < len(wanted["keys"]):
            known = ContactId(row["host_contact_id"] or row["contact_id"])
            await self.contacts.of(connection, (event.tenant,), event.tenant, sender, known)
            row = await _locked(connection, wanted)
        while row is None:
            line = await _line(connection, event.line)
            contact = await self.contacts.of(connection, (event.tenant,), line.tenant, sender)
            await _insert(connection, group.root, line, contact)
            row = await _locked(connection, wanted)
        return row | {"is_fresh": is_fresh}

    def _mailbox(self, connection: Connection, row: DictRow, sender: Sender, others: list[Thread]) -> Mailbox:
        line, thread = _as_line(row), _as_thread(row)
        gather(thread, others)
        return Mailbox(
            connection,
            self.store,
            self.vault,
            self.pepper,
            self.contacts,
            line=line,
            thread=thread,
            sender=sender,
            tenant=line.tenant,
            agent=line.agent,
            binding=UserId(row["bound"]) if row["bound_tenant"] == line.tenant else None,
            bound_elsewhere=row["bound"] is not None and row["bound_tenant"] != line.tenant,
            daily_messages=row["daily_messages"],
            is_fresh=row["is_fresh"],
            now=row["now"],
            logged=set(row["logged"]),
            conversation=ConversationId(row["conversation"]) if row["conversation"] else None,
            is_handed_off=row["handed_off"],
            others=tuple(others),
        )

    async def _follow_guests(self, mailbox: Mailbox, row: DictRow) -> None:
        """On a shared line, be there for the tenant of the user who writes, and see what was said for others before."""
        if not mailbox.line.is_shared:
            return
        await mailbox.see_guests()
        if mailbox.bound_elsewhere:
            await self._follow(mailbox, TenantId(row["bound_tenant"]), UserId(row["bound"]))

    async def _follow(self, mailbox: Mailbox, tenant: TenantId, user: UserId) -> None:
        thread = mailbox.thread
        if thread.guests[-1:] != [tenant]:  # paired elsewhere
            await self.store.widen(mailbox.connection, mailbox.line.tenant, *thread.guests, tenant)
            await mailbox.welcome(tenant, user)
        wanted = {"tenant": tenant, "line": mailbox.line.id, "keys": mailbox.sender.newest_keys(self.pepper, tenant)}
        guest = await _guest(mailbox, wanted)
        if guest and guest["known"] < len(wanted["keys"]):
            scope = (mailbox.line.tenant, *thread.guests)
            thread.contact = await self.contacts.of(mailbox.connection, scope, tenant, mailbox.sender, thread.contact)
            guest = await _guest(mailbox, wanted)
        mailbox.serve(tenant, user, guest or {})

    async def work_left(self, tenant: TenantId, key: ThreadKey) -> Work:
        """Return what a thread waits for now."""
        rows = await self.store.rows(sql.WORK_LEFT, (key,), tenant)
        if not rows:
            return Work(None, None, None)
        row = rows[0]
        return Work(
            StreamSequence(row["asked_seq"]) if row["asked_seq"] > row["done_seq"] else None,
            row["run_at"] if row["run_at"] and row["run_at"] > row["now"] else None,
            ReplyId(row["reply"]) if row["reply"] is not None else None,
        )


async def _line(connection: Connection, line: LineId) -> Line:
    cursor = await connection.execute(f"select {sql.LINE} from line where id = %s", (line,))  # noqa: S608 - constants
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
        is_test=row["kind"] == "test",
        quiet=timedelta(milliseconds=row["quiet_ms"]),
        takes_media=row["media"],
    )


def _as_thread(row: DictRow) -> Thread:
    return Thread(contact=ContactId(row["contact_id"]), **{name: row[name] for name in sql.THREAD_COLUMNS})


async def _locked(connection: Connection, wanted: Mapping[str, Any]) -> DictRow | None:
    await connection.execute(sql.LOCK_GROUP if len(wanted["group"]) > 1 else sql.LOCK, wanted)
    cursor = await connection.execute(sql.LOCKED, wanted)
    return await cursor.fetchone()


async def _others(connection: Connection, root: ThreadKey) -> list[Thread]:
    """Return the threads beside a root."""
    return [_as_thread(row) for row in await (await connection.execute(sql.OTHERS, {"key": root})).fetchall()]


async def _guest(mailbox: Mailbox, wanted: Mapping[str, Any]) -> DictRow | None:
    cursor = await mailbox.connection.execute(sql.GUEST, {**wanted, "contact": mailbox.thread.contact})
    return await cursor.fetchone()


async def _insert(connection: Connection, key: ThreadKey, line: Line, contact: ContactId) -> None:
    """Make a thread for a contact, which is locked, so that of several at once each sees those before it."""
    cursor = await connection.execute(
        sql.INSERT,
        {"key": key, "tenant": line.tenant, "line": line.id, "contact": contact},
    )
    row = await cursor.fetchone()
    if row and row["among"]:
        await bring_together(connection, contact)


async def _close(mailbox: Mailbox) -> None:
    """
    Write the threads back.

    A cancelled turn loses its fence, so that what it still does cannot commit. Parked replies may go: the person wrote.
    """
    for thread in mailbox.threads:
        await mailbox.connection.execute(
            sql.CLOSE,
            {**vars(thread), "noticed": orjson.dumps(thread.noticed).decode()},
        )
