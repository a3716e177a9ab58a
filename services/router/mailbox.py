"""
A person's thread on a line, opened for work: its row is locked, and everything done here commits together or not at all.

Where a person has several threads there, `thread` is their root, `others` are locked with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
from psycopg.rows import DictRow

from services.router.contacts import Contacts, Sender
from services.router.leads import note_lead
from services.router.threads import Group, Line, Message, Thread, Unreadable, User, Work
from shared.addresses import Pepper
from shared.events import InboundReferral
from shared.ids import (
    AgentId,
    ConversationId,
    ProviderSid,
    ReplyId,
    Sequence,
    TenantId,
    ThreadKey,
    UserId,
    new_id,
)
from shared.store.sealed import BINDING_ADDRESS, MESSAGE_MEDIA, MESSAGE_TEXT, REPLY_BODY
from shared.store.session import Connection, Store
from shared.vault import Vault

TENANTS_AGENT = "coalesce(tenant.agent_id, (select min(id) from agent where agent.tenant_id = tenant.id))"
"""Who answers a tenant's users on shared lines."""

_AGENT = f"select {TENANTS_AGENT} as agent, daily_messages from tenant where id = %s"  # noqa: S608 - a constant

ASKED = "asked"
"""The outcome of a message that the agent is asked."""

HANDED_OFF = "handed_off"
"""The outcome of a message in a conversation that a person has: the agent is silent until it is given back."""


@dataclass
class Mailbox:
    """What the router may do with one person's thread inside one transaction."""

    connection: Connection
    store: Store
    vault: Vault
    pepper: Pepper
    contacts: Contacts
    line: Line
    thread: Thread
    sender: Sender
    tenant: TenantId
    """Whose the messages and answers are: the line's, or on a shared line that of the user who is bound."""
    agent: AgentId | None
    """Who answers; None where a tenant on a shared line has no agent."""
    binding: UserId | None
    bound_elsewhere: bool
    """Whether the sender is the user of a tenant that this line does not serve."""
    daily_messages: int | None
    """How many messages a day the tenant's agents may be given; None: any number."""
    is_fresh: bool
    """Whether the thread was made in this transaction."""
    now: datetime
    """The transaction's time."""
    logged: set[ProviderSid]
    """Which of the messages that wait are in the log already."""
    conversation: ConversationId | None
    """The contact's open conversation, where it is on this line."""
    is_handed_off: bool = False
    """Whether a person has that conversation."""
    others: tuple[Thread, ...] = ()
    """The person's other threads on this line: what they were asked before they were known to be one is theirs to the end."""
    _said: ReplyId | None = field(default=None)

    @property
    def threads(self) -> tuple[Thread, ...]:
        """Return all of the person's threads on this line."""
        return (self.thread, *self.others)

    @property
    def keys(self) -> list[ThreadKey]:
        """Return the threads' keys."""
        return [thread.key for thread in self.threads]

    def group(self) -> Group:
        """Return how far the threads are read once this is committed."""
        return Group(self.thread.key, {thread.key: thread.last_seq for thread in self.threads})

    def is_new(self, message: Message | Unreadable) -> bool:
        """Tell whether a message was not taken in before."""
        return message.seq > self._its_own(message).last_seq

    def read(self, seq: Sequence) -> None:
        """Remember that every thread is read up to here."""
        for thread in self.threads:
            thread.last_seq = Sequence(max(thread.last_seq, seq))

    def _its_own(self, message: Message | Unreadable) -> Thread:
        return next((thread for thread in self.others if thread.key == message.thread), self.thread)

    def _answering(self, message: Message) -> Thread:
        """Return whose turn it is: the root's, unless that was asked something later before it was known to be the root."""
        return self._its_own(message) if message.seq < self.thread.asked_seq else self.thread

    def work(self) -> Work:
        """Return what the thread waits for once this is committed."""
        thread = self.thread
        return Work(
            thread.asked_seq if thread.asked_seq > thread.done_seq else None,
            thread.run_at if thread.run_at is not None and thread.run_at > self.now else None,
            self._said,
        )

    def serve(self, tenant: TenantId, user: UserId, guest: Mapping[str, Any]) -> None:
        """Let a shared line be this user's, answered by their tenant's agent."""
        self.tenant, self.binding, self.bound_elsewhere = tenant, user, False
        self.agent, self.conversation = guest.get("agent"), guest.get("conversation")
        self.is_handed_off = bool(guest.get("handed_off"))
        self.daily_messages = guest.get("daily_messages")

    async def see_guests(self) -> None:
        """See the rows of each tenant that this thread was ever for, beside the line's."""
        if self.thread.guests:
            await self.store.widen(self.connection, self.line.tenant, *self.thread.guests)

    async def record(self, message: Message, outcome: str) -> None:
        """Log a message, and what became of it."""
        await self.connection.execute(
            """
            insert into message (id, tenant_id, line_id, thread, conversation_id, account_sid, provider_sid, seq, outcome,
                                 sealed_text, sealed_media, trace, received_at, webhook_ms)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            (
                message.id,
                self.tenant,
                self.line.id,
                self._answering(message).key,
                self.conversation if outcome in {ASKED, HANDED_OFF} else None,
                message.account_sid,
                message.provider_sid,
                message.seq,
                outcome,
                self.vault.seal(message.content.text.encode(), MESSAGE_TEXT.at(self.tenant, message.id)),
                self._sealed_media(message, outcome),
                orjson.dumps(message.trace).decode(),
                message.at,
                message.webhook_ms,
            ),
        )
        self.logged.add(message.provider_sid)

    def _sealed_media(self, message: Message, outcome: str) -> bytes | None:
        """Return where what came with a message can be fetched; None where nobody is asked to look at it."""
        if outcome != ASKED or not message.content.media:
            return None
        found = orjson.dumps([it.model_dump() for it in message.content.media])
        return self.vault.seal(found, MESSAGE_MEDIA.at(self.tenant, message.id))

    async def move(self, message: Message) -> None:
        """Move a message that was logged and asked before to its new place in the thread and in the open conversation."""
        await self.connection.execute(
            """
            update message set seq = %s, conversation_id = %s, thread = %s
            where account_sid = %s and provider_sid = %s and thread = any(%s) and outcome = %s
            """,
            (
                message.seq,
                self.conversation,
                self._answering(message).key,
                message.account_sid,
                message.provider_sid,
                self.keys,
                ASKED,
            ),
        )

    async def asked_before(self, message: Message) -> bool:
        """Tell whether the agent was asked this message, and it was not cancelled since."""
        cursor = await self.connection.execute(
            "select 1 from message where account_sid = %s and provider_sid = %s and thread = any(%s) and outcome = %s",
            (message.account_sid, message.provider_sid, self.keys, ASKED),
        )
        return await cursor.fetchone() is not None

    async def say(self, message: Message, text: str, kind: str) -> None:
        """Queue an answer in Markdown, behind whatever this thread is still being told."""
        public_id = new_id("rp")
        body = self.vault.seal(orjson.dumps({"markdown": text, "sources": []}), REPLY_BODY.at(self.tenant, public_id))
        cursor = await self.connection.execute(
            """
            insert into reply (public_id, tenant_id, thread, conversation_id, after_seq, kind, sealed_body, trace, received_at)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s) returning id
            """,
            (
                public_id,
                self.tenant,
                self.thread.key,
                self.conversation,
                message.seq,
                kind,
                body,
                orjson.dumps(message.trace).decode(),
                message.at,
            ),
        )
        row = await cursor.fetchone()
        assert row is not None, "an insert returns its row"  # noqa: S101
        self._said = ReplyId(row["id"])
        self.thread.new_reply = True

    async def ask_agent(self, message: Message, burst: timedelta) -> None:
        """Give the message to the agent, in the contact's one open conversation; it may belong to the turn before."""
        await self._open_conversation()
        thread = self._answering(message)
        if thread.done_seq >= thread.asked_seq and not await self._reopen_turn(thread, burst):
            thread.burst_at = self.now
        thread.asked_seq = message.seq
        latest = max(self.now, (thread.burst_at or self.now) + burst)
        thread.run_at = min(self.now + self.line.quiet, latest)

    async def _reopen_turn(self, thread: Thread, burst: timedelta) -> bool:
        """Take the agent's last answer back while its burst is young and nothing of it was tried: it runs again, with more."""
        if not thread.sending or thread.burst_at is None or self.now >= thread.burst_at + burst:
            return False
        cursor = await self.connection.execute(
            """
            update reply set state = 'cancelled', turn_id = null from turn
            where turn.thread = %s and turn.upto_seq = %s and reply.turn_id = turn.id and reply.state in ('open', 'cut')
              and not exists (select 1 from part where reply_id = reply.id and (state not in ('queued', 'parked') or tries > 0))
            returning turn.from_seq
            """,
            (thread.key, thread.done_seq),
        )
        row = await cursor.fetchone()
        if row is None:
            return False
        thread.done_seq = Sequence(row["from_seq"] - 1)
        thread.new_reply = True
        return True

    async def note_lead(self, referral: InboundReferral | None = None) -> None:
        """Remember the sender as a lead of the line's agent. `referral`: what led them here."""
        if self.agent is not None:
            contact, platform = self.thread.contact, self.line.channel
            await note_lead(self.connection, self.tenant, self.agent, contact, platform, referral=referral)

    async def cancel_turn(self, message: Message) -> None:
        """Drop what the agent is at, and the messages it was to answer."""
        for thread in self.threads:
            await self.connection.execute(
                "update message set outcome = 'cancelled' where thread = %s and seq > %s and seq < %s and outcome = 'asked'",
                (thread.key, thread.done_seq, message.seq),
            )
            thread.asked_seq = Sequence(max(thread.asked_seq, message.seq))
            thread.done_seq = Sequence(max(thread.done_seq, message.seq))
            thread.cancel_turn = True

    async def cancel_replies(self) -> None:
        """Drop what is queued and not sent; egress marks the parts."""
        await self.connection.execute(
            "update reply set state = 'cancelled' where thread = any(%s) and state in ('open', 'cut')", (self.keys,)
        )
        for thread in self.threads:
            thread.new_reply = True

    async def close_conversation(self) -> None:
        """Close the contact's open conversation, on whatever line it is."""
        await self.connection.execute(
            "update conversation set closed_at = now() where contact_id = %s and channel = %s and closed_at is null",
            (self.thread.contact, self.line.channel),
        )
        self.conversation, self.is_handed_off = None, False

    async def spend_code(self, code: str) -> User | None:
        """Use up a pairing code, once; None when it is wrong, expired or used, or not for this line."""
        digests = self.pepper.code_digests(code)
        tenant = await self._owner_of_code(digests) if self.line.is_shared else self.line.tenant
        cursor = await self.connection.execute(
            """
            update pair_code set used_at = now()
            from app_user
            where digest = any(%s) and pair_code.tenant_id = %s and used_at is null and expires_at > now()
              and app_user.id = user_id and disabled_at is null
            returning app_user.id, app_user.email
            """,
            (digests, tenant),
        )
        row = await cursor.fetchone()
        return User(UserId(row["id"]), row["email"], tenant) if row else None

    async def _owner_of_code(self, digests: list[str]) -> TenantId:
        """Return whose code it is, and see what is theirs; the line's own where nobody made it."""
        cursor = await self.connection.execute(
            "select tenant_id from pair_code_owner where digest = any(%s)", (digests,)
        )
        row = await cursor.fetchone()
        if row is None:
            return self.line.tenant
        owner = TenantId(row["tenant_id"])
        await self.store.widen(self.connection, self.line.tenant, *self.thread.guests, owner)
        return owner

    async def bind(self, user: User) -> None:
        """Make the sender's address this user; a user's earlier address on this channel is freed."""
        if user.tenant != self.line.tenant:
            await self.welcome(user.tenant, user.id)
        binding = new_id("bd")
        address = self.sender.addresses[0]
        await self.connection.execute(
            "delete from binding where user_id = %s and channel = %s", (user.id, self.line.channel)
        )
        await self.connection.execute(
            """
            insert into binding (id, tenant_id, user_id, contact_id, channel, address_key, pepper_version, sealed_address)
            values (%s, %s, %s, %s, %s, %s, %s, %s)
            """,
            (
                binding,
                user.tenant,
                user.id,
                self.thread.contact,
                self.line.channel,
                self.pepper.global_key(self.line.channel, address),
                self.pepper.version,
                self.vault.seal(address.encode(), BINDING_ADDRESS.at(user.tenant, binding)),
            ),
        )
        self.binding = user.id

    async def welcome(self, tenant: TenantId, user: UserId) -> None:
        """Let a shared line's thread be for a user of another tenant, whom it sees: as their contact, and in their name."""
        thread = self.thread
        thread.guests = [*(guest for guest in thread.guests if guest != tenant), tenant]
        thread.host_contact_id = thread.host_contact_id or thread.contact
        scope = (self.line.tenant, *thread.guests)
        thread.contact = await self.contacts.of(self.connection, scope, tenant, self.sender)
        cursor = await self.connection.execute(_AGENT, (tenant,))
        self.serve(tenant, user, await cursor.fetchone() or {})

    async def unbind(self) -> None:
        """Free the sender's addresses."""
        await self.connection.execute(
            "delete from binding where channel = %s and (address_key = any(%s) or contact_id = %s)",
            (self.line.channel, self.sender.global_keys(self.pepper), self.thread.contact),
        )
        self.binding = None

    async def count_failure(self, seq: Sequence, reason: str, most: int) -> bool:
        """Count that a message failed by itself; after `most` times set it aside and go on, else return False."""
        failures = self.thread.failures + 1 if self.thread.failing_seq == seq else 1
        self.thread.failing_seq, self.thread.failures = seq, failures
        if failures < most:
            return False
        await self.connection.execute(
            """
            insert into dead_letter (id, tenant_id, thread, stage, reason, attempts, payload)
            values (%s, %s, %s, 'router', %s, %s, %s) on conflict do nothing
            """,
            (new_id("dl"), self.tenant, self.thread.key, reason, failures, f"INBOUND/{seq}"),
        )
        self.read(seq)
        return True

    async def _open_conversation(self) -> None:
        """Open the contact's one conversation on this line; one on another line is closed for it."""
        if self.conversation is None:
            row = await self._upsert_conversation()
            if row["line_id"] != self.line.id:
                await self.close_conversation()
                row = await self._upsert_conversation()
            self.conversation = ConversationId(row["id"])

    async def _upsert_conversation(self) -> DictRow:
        cursor = await self.connection.execute(
            """
            insert into conversation (id, tenant_id, contact_id, user_id, agent_id, line_id, channel)
            values (%s, %s, %s, %s, %s, %s, %s)
            on conflict (contact_id, channel) where closed_at is null do update set line_id = conversation.line_id
            returning id, line_id
            """,
            (
                new_id("cv"),
                self.tenant,
                self.thread.contact,
                self.binding,
                self.agent,
                self.line.id,
                self.line.channel,
            ),
        )
        row = await cursor.fetchone()
        assert row is not None, "an upsert returns its row"  # noqa: S101
        return row
