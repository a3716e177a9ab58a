"""The states of a part, and how reports move it: only forward, in whatever order they come."""

from typing import Final

QUEUED: Final = "queued"
PARKED: Final = "parked"
SENDING: Final = "sending"
UNKNOWN: Final = "unknown"
ACCEPTED: Final = "accepted"
SENT: Final = "sent"
DELIVERED: Final = "delivered"
READ: Final = "read"
UNDELIVERED: Final = "undelivered"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"

_RANK: Final = {QUEUED: 0, PARKED: 0, SENDING: 1, UNKNOWN: 1, ACCEPTED: 2, SENT: 3, FAILED: 4, UNDELIVERED: 4, CANCELLED: 4, DELIVERED: 5, READ: 6}  # fmt: skip
"""A failure ends a part unless a proof of delivery comes after it."""

_REPORTED: Final = {
    "accepted": ACCEPTED,
    "scheduled": ACCEPTED,
    "queued": ACCEPTED,
    "sending": ACCEPTED,
    "sent": SENT,
    "delivered": DELIVERED,
    "read": READ,
    "partially_delivered": DELIVERED,
    "undelivered": UNDELIVERED,
    "failed": FAILED,
    "canceled": FAILED,
}

UNSENT: Final = frozenset({QUEUED, PARKED})
"""Not tried, or refused and to be tried again. A parked one waits until the person writes."""

OPEN: Final = frozenset({*UNSENT, SENDING, UNKNOWN})
"""Not at the provider yet, or not known to be."""

LOST: Final = frozenset({FAILED, UNDELIVERED})
PROOFS: Final = frozenset({SENT, DELIVERED, READ})


def reported(status: str) -> str | None:
    """Return the state that a provider's status stands for; None for one that we do not know."""
    return _REPORTED.get(status)


def advanced(current: str, towards: str) -> str:
    """Return the state after a report: never a lower one."""
    return towards if _RANK[towards] > _RANK[current] else current


def below(towards: str) -> list[str]:
    """Return the states from which a part moves on to this one."""
    return [state for state, rank in _RANK.items() if rank < _RANK[towards]]


def has_left(state: str) -> bool:
    """Tell whether the next part may follow: this one was sent on, or never will be."""
    return _RANK[state] >= _RANK[SENT]
