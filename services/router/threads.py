"""What the router works on: lines, threads, and the messages that wait in them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from shared.events import InboundContent
from shared.failures import Failure
from shared.ids import (
    AccountSid,
    Address,
    AgentId,
    ContactId,
    LineId,
    MessageId,
    ProviderSid,
    ReplyId,
    Sequence,
    TenantId,
    ThreadKey,
    UserId,
)

_NOTHING = Sequence(0)


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
    is_test: bool
    quiet: timedelta
    takes_media: bool


@dataclass
class Thread:
    """The router's share of the thread's row; written back when the mailbox closes."""

    key: ThreadKey
    contact: ContactId
    host_contact_id: ContactId | None
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

    `at`: when it arrived, by JetStream's clock, or by Twilio's where it was found or tried again later. `webhook_ms`: what
    ingress took until it was stored; None where no webhook brought it now. `replayed`: an admin wants it tried again.
    """

    id: MessageId
    seq: Sequence
    at: datetime
    webhook_ms: int | None
    account_sid: AccountSid
    provider_sid: ProviderSid
    num_media: int
    replayed: bool
    content: InboundContent
    trace: dict[str, str]
    thread: ThreadKey
    """Whose subject it came on."""


@dataclass(frozen=True)
class Unreadable:
    """A stored message that cannot be opened, and why."""

    seq: Sequence
    failure: Failure
    thread: ThreadKey


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

    @property
    def is_none(self) -> bool:
        """Tell whether nobody has anything to do."""
        return self.asked_seq is None and self.reply is None


@dataclass(frozen=True)
class Group:
    """The threads of one person on one line, and up to where each was read; most are alone. `root`: the eldest."""

    root: ThreadKey
    seen: dict[ThreadKey, Sequence]

    @classmethod
    def alone(cls, key: ThreadKey, seen: Sequence = _NOTHING) -> Self:
        """Return a thread beside which there is none."""
        return cls(key, {key: seen})


class Regrouped(Exception):
    """A thread turned out to be of another group than was read: read again."""


def in_order(reads: Iterable[list[Message | Unreadable]], most: int) -> list[Message | Unreadable]:
    """
    Return what waits in several threads in the order of arrival, as far as all of them were read.

    One of which `most` were read may hold more: what the others hold beyond that has to wait.
    """
    reads = list(reads)
    upto = min((read[-1].seq for read in reads if len(read) == most), default=None)
    waiting = [message for read in reads for message in read if upto is None or message.seq <= upto]
    return sorted(waiting, key=lambda message: message.seq)


def gather(root: Thread, others: Iterable[Thread]) -> None:
    """
    Let the root know what the other threads of a person know of them: limits, notices, a stop, when they last wrote.

    What they read and what they were asked stays theirs. Repeated it changes nothing.
    """
    for other in others:
        root.hits, other.hits = sorted([*root.hits, *other.hits]), []
        root.wrong_codes, other.wrong_codes = sorted([*root.wrong_codes, *other.wrong_codes]), []
        root.noticed = _latest(root.noticed, other.noticed)
        root.opted_out_at, other.opted_out_at = root.opted_out_at or other.opted_out_at, None
        if other.last_inbound_at and (root.last_inbound_at is None or other.last_inbound_at > root.last_inbound_at):
            _follow(root, other)


def _latest(ours: dict[str, str], theirs: dict[str, str]) -> dict[str, str]:
    return {
        name: max((at for at in (ours.get(name), theirs.get(name)) if at), key=datetime.fromisoformat)
        for name in (*ours, *theirs)
    }


def _follow(root: Thread, other: Thread) -> None:
    """Be for whom the person wrote last; `other` is where."""
    root.last_inbound_at, root.last_provider_sid = other.last_inbound_at, other.last_provider_sid
    if other.guests:
        root.host_contact_id = root.host_contact_id or root.contact
        root.contact = other.contact
    present = other.guests or root.guests
    root.guests = [*(guest for guest in (*root.guests, *other.guests) if guest not in present), *present]
