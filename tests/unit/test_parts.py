"""How a part's state moves."""

import itertools

import pytest

from services.egress.parts import (
    ACCEPTED,
    DELIVERED,
    FAILED,
    QUEUED,
    READ,
    SENDING,
    SENT,
    UNDELIVERED,
    advanced,
    has_left,
    reported,
)


def test_every_order_of_reports_ends_in_the_same_state() -> None:
    """
    Whatever the order in which Twilio's reports come, a read message is read.
    """
    for order in itertools.permutations(["queued", "sending", "sent", "delivered", "read"]):
        state = SENDING
        for status in order:
            state = advanced(state, reported(status) or state)
        assert state == READ


@pytest.mark.parametrize("late", [QUEUED, SENDING, ACCEPTED, SENT])
def test_a_state_is_never_lowered(late: str) -> None:
    """
    A late report of an earlier state changes nothing.
    """
    assert advanced(DELIVERED, late) == DELIVERED


def test_a_proof_of_delivery_outweighs_a_failure() -> None:
    """
    Failed is final, unless delivery is proven after it.
    """
    assert advanced(FAILED, SENT) == FAILED
    assert advanced(UNDELIVERED, DELIVERED) == DELIVERED
    assert advanced(DELIVERED, FAILED) == DELIVERED


def test_the_next_part_follows_what_was_sent_or_never_will_be() -> None:
    """
    Accepted is not enough: Twilio may still reorder.
    """
    assert [state for state in (QUEUED, SENDING, ACCEPTED, SENT, DELIVERED, FAILED) if has_left(state)] == [
        SENT,
        DELIVERED,
        FAILED,
    ]


def test_an_unknown_status_says_nothing() -> None:
    """
    A status that Twilio invents tomorrow is stored nowhere and moves nothing.
    """
    assert reported("pondered") is None
