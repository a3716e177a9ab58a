"""What to do next on a thread: a decision on values, so that nobody has to wait for anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.egress import parts
from shared.ids import ReplyId, TenantId


@dataclass(frozen=True)
class Draft:
    """What there is to say of a part that is not at the provider yet. `sealed`: its text; `of`: the parts of its reply."""

    tenant: TenantId
    sealed: bytes
    tries: int
    of: int
    trace: dict[str, str]
    """Of the reply."""


@dataclass(frozen=True)
class Part:
    """A part as the ledger has it, named by its reply and its place there. `draft`: of one that is open."""

    reply: ReplyId
    ordinal: int
    state: str
    next_at: datetime | None
    accepted_at: datetime | None
    draft: Draft | None = None


@dataclass(frozen=True)
class Cut:
    """Render this reply into parts."""

    reply: ReplyId


@dataclass(frozen=True)
class Send:
    """Make an attempt for this part."""

    part: Part


@dataclass(frozen=True)
class Reconcile:
    """Find out what became of this part's last attempt."""

    part: Part


@dataclass(frozen=True)
class Park:
    """Keep what is unsent until the person writes again: the provider takes no free answer any more."""


@dataclass(frozen=True)
class Wait:
    """Nothing can be done before `until`; None: not before something happens."""

    until: datetime | None


Move = Cut | Send | Reconcile | Park | Wait


@dataclass(frozen=True)
class Pacing:
    """How long a part waits for the one before it, in seconds."""

    sent_limit: float

    def next_move(
        self, uncut: ReplyId | None, thread_parts: Sequence[Part], now: datetime, closed_at: datetime | None = None
    ) -> Move:
        """
        Return the next move for a thread, given its oldest reply without parts and its parts in sending order.

        The lowest open part comes first, and only after the one before it was sent, failed, or had its time. From
        `closed_at` on nothing is sent; None: the channel knows no such limit.
        """
        previous: Part | None = None
        for part in thread_parts:
            if part.state in parts.OPEN:
                if uncut is not None and uncut < part.reply:
                    break
                return self._with(part, previous, now, closed_at)
            previous = part
        return Cut(uncut) if uncut is not None else Wait(None)

    def _with(self, part: Part, previous: Part | None, now: datetime, closed_at: datetime | None) -> Move:
        if part.state == parts.SENDING:
            return Reconcile(part)  # only a dead sender leaves this behind: a live one holds the thread
        if part.next_at is not None and part.next_at > now:
            return Wait(part.next_at)
        if part.state == parts.UNKNOWN:
            return Reconcile(part)
        if closed_at is not None and closed_at <= now:
            return Wait(None) if part.state == parts.PARKED else Park()
        free_at = self._free_at(previous)
        return Wait(free_at) if free_at is not None and free_at > now else Send(part)

    def _free_at(self, previous: Part | None) -> datetime | None:
        if previous is None or parts.has_left(previous.state) or previous.accepted_at is None:
            return None
        return previous.accepted_at + timedelta(seconds=self.sent_limit)
