"""One thread, opened for work: its row is locked, and everything done here commits together or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
from psycopg.rows import DictRow

from services.router.contacts import Contacts, Sender
from services.router.leads import note_lead
from shared.addresses import Pepper
from shared.events import InboundContent
from shared.failures import Failure
from shared.ids import (
    AccountSid,
    Address,
    AddressKey,
    AgentId,
    ContactId,
    ConversationId,
    LineId,
    MessageId,
    ProviderSid,
    ReplyId,
    Sequence,
    TenantId,
    ThreadKey,
    UserId,
    new_id,
)
from shared.store.sealed import BINDING_ADDRESS, MESSAGE_TEXT, REPLY_BODY
from shared.store.session import Connection, Store
from shared.vault import Vault

TENANTS_AGENT = "coalesce(tenant.agent_id, (select min(id) from agent where agent.tenant_id = tenant.id))"
"""Who answers a tenant's users on shared lines."""

_AGENT = f"select {TENANTS_AGENT} as agent from tenant where id = %s"  # noqa: S608 - a constant

ASKED = "asked"
"""The outcome of a message that the agent is asked."""


@dataclass(frozen=True)
class Line:
    """The line that a thread belongs to, as it is set up now."""

    id: LineId
    tenant: TenantId
    agent: AgentId
    channel: str
    provider: str
    sender: Address
    enabled: bool
    is_open: bool
    is_shared: bool
    quiet: timedelta


@dataclass
class Thread:
    """The router's share of the thread's row; written back when the mailbox closes."""

    key: ThreadKey
    contact: ContactId
    guests: list[TenantId]
    last_seq: Sequence
    asked_seq: Sequence
    done_seq: Sequence
    hits: list[datetime]
    wrong_codes: list[datetime]
    noticed: dict[str, str]
    opted_out_at: datetime | None
    last_inbound_at: datetime | None
    last_provider_sid: str | None
    failing_seq: Sequence
    failures: int
    run_at: datetime | None
    burst_at: datetime | None
    sending: bool
    cancel_turn: bool = False
    new_reply: bool = False


@dataclass(frozen=True)
class Message:
    """
    An inbound message, opened.

    `at`: when it arrived, by JetStream's clock, or by Twilio's where it was found or tried again later. `replayed`: an
    admin wants it tried again.
    """

    id: MessageId
    seq: Sequence
    at: datetime
    account_sid: AccountSid
    provider_sid: ProviderSid
    num_media: int
    replayed: bool
    content: InboundContent
    trace: dict[str, str]


@dataclass(frozen=True)
class Unreadable:
    """A stored message that cannot be opened, and why."""

    seq: Sequence
    failure: Failure


@dataclass(frozen=True)
class User:
    """A member of a tenant."""

    id: UserId
    email: str
    tenant: TenantId


@dataclass(frozen=True)
class Work:
    """What a thread waits for, to be hinted to whoever does it."""

    asked_seq: Sequence | None
    run_at: datetime | None
    """When the agent shall begin, where that is later than now."""
    reply: ReplyId | None


@dataclass
class Mailbox:
    """What the router may do with one thread inside one transaction."""

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
    now: datetime
    """The transaction's time."""
    logged: set[ProviderSid]
    """Which of the messages that wait are in the log already."""
    conversation: ConversationId | None
    """The contact's open conversation, where it is on this line."""
    _said: ReplyId | None = field(default=None)

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

    async def see_guests(self) -> None:
        """See the rows of each tenant that this thread was ever for, beside the line's."""
        if self.thread.guests:
            await self.store.widen(self.connection, self.line.tenant, *self.thread.guests)

    async def record(self, message: Message, outcome: str) -> None:
        """Log a message, and what became of it."""
        await self.connection.execute(
            """
            insert into message (id, tenant_id, line_id, thread, conversation_id, account_sid, provider_sid, seq, outcome,
                                 sealed_text, trace, received_at)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            (
                message.id,
                self.tenant,
                self.line.id,
                self.thread.key,
                self.conversation if outcome == ASKED else None,
                message.account_sid,
                message.provider_sid,
                message.seq,
                outcome,
                self.vault.seal(message.content.text.encode(), MESSAGE_TEXT.at(self.tenant, message.id)),
                orjson.dumps(message.trace).decode(),
                message.at,
            ),
        )
        self.logged.add(message.provider_sid)

    async def move(self, message: Message) -> None:
        """Move a message that was logged and asked before to its new place in the thread and in the open conversation."""
        await self.connection.execute(
            """
            update message set seq = %s, conversation_id = %s
            where account_sid = %s and provider_sid = %s and thread = %s and outcome = %s
            """,
            (message.seq, self.conversation, message.account_sid, message.provider_sid, self.thread.key, ASKED),
        )

    async def asked_before(self, message: Message) -> bool:
        """Tell whether the agent was asked this message, and it was not cancelled since."""
        cursor = await self.connection.execute(
            "select 1 from message where account_sid = %s and provider_sid = %s and thread = %s and outcome = %s",
            (message.account_sid, message.provider_sid, self.thread.key, ASKED),
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
        if self.thread.done_seq >= self.thread.asked_seq and not await self._reopen_turn(burst):
            self.thread.burst_at = self.now
        self.thread.asked_seq = message.seq
        latest = max(self.now, (self.thread.burst_at or self.now) + burst)
        self.thread.run_at = min(self.now + self.line.quiet, latest)

    async def _reopen_turn(self, burst: timedelta) -> bool:
        """Take the agent's last answer back while its burst is young and nothing of it was tried: it runs again, with more."""
        thread = self.thread
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

    async def note_lead(self) -> None:
        """Remember the sender as a lead of the line's agent."""
        if self.agent is not None:
            await note_lead(self.connection, self.tenant, self.agent, self.thread.contact, self.line.channel)

    async def cancel_turn(self, message: Message) -> None:
        """Drop what the agent is at, and the messages it was to answer."""
        await self.connection.execute(
            "update message set outcome = 'cancelled' where thread = %s and seq > %s and outcome = 'asked'",
            (self.thread.key, self.thread.done_seq),
        )
        self.thread.done_seq = self.thread.asked_seq = message.seq
        self.thread.cancel_turn = True

    async def cancel_replies(self) -> None:
        """Drop what is queued and not sent; egress marks the parts."""
        await self.connection.execute(
            "update reply set state = 'cancelled' where thread = %s and state in ('open', 'cut')", (self.thread.key,)
        )
        self.thread.new_reply = True

    async def close_conversation(self) -> None:
        """Close the contact's open conversation, on whatever line it is."""
        await self.connection.execute(
            "update conversation set closed_at = now() where contact_id = %s and channel = %s and closed_at is null",
            (self.thread.contact, self.line.channel),
        )
        self.conversation = None

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
            await self._welcome(user)
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

    async def _welcome(self, user: User) -> None:
        """Let the thread be for the tenant of a user who pairs on a shared line: as their contact, and in their name."""
        guests = self.thread.guests
        self.thread.guests = [*(guest for guest in guests if guest != user.tenant), user.tenant]
        self.thread.contact = await self.contacts.of(self.connection, user.tenant, self.sender)
        cursor = await self.connection.execute(_AGENT, (user.tenant,))
        self.serve(user.tenant, user.id, await cursor.fetchone() or {})

    async def unbind(self) -> None:
        """Free the sender's address."""
        await self.connection.execute(
            "delete from binding where channel = %s and address_key = any(%s)",
            (self.line.channel, self.global_keys()),
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
        self.thread.last_seq = seq
        return True

    def global_keys(self) -> list[AddressKey]:
        """Return the keys under which the sender may be bound."""
        return [key for address in self.sender.addresses for key in self.pepper.global_keys(self.line.channel, address)]

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
