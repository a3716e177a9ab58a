"""What egress does next on a thread."""

from datetime import UTC, datetime, timedelta

from services.egress import parts
from services.egress.ordering import Cut, Pacing, Park, Part, Reconcile, Send, Wait
from shared.ids import ReplyId

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PACING = Pacing(sent_limit=10.0)


def part(
    number: int, state: str, *, reply: int = 1, next_at: datetime | None = None, accepted: float | None = None
) -> Part:
    accepted_at = NOW - timedelta(seconds=accepted) if accepted is not None else None
    return Part(ReplyId(reply), number, state, next_at, accepted_at)


def test_a_reply_is_cut_before_it_is_sent() -> None:
    """
    With nothing else open, the oldest reply without parts is rendered.
    """
    assert PACING.next_move(ReplyId(3), [], NOW) == Cut(ReplyId(3))


def test_an_older_reply_is_cut_before_a_newer_one_is_sent() -> None:
    """
    Replies keep their order even where the newer one was cut first.
    """
    assert PACING.next_move(ReplyId(1), [part(1, parts.QUEUED, reply=2)], NOW) == Cut(ReplyId(1))


def test_the_lowest_open_part_is_sent_first() -> None:
    """
    Of two queued parts the first goes.
    """
    first, second = part(1, parts.QUEUED), part(2, parts.QUEUED)
    assert PACING.next_move(None, [first, second], NOW) == Send(first)


def test_a_part_waits_until_the_one_before_it_was_sent() -> None:
    """
    Accepted only: wait for the report, at most ten seconds.
    """
    waiting = [part(1, parts.ACCEPTED, accepted=4), part(2, parts.QUEUED)]
    assert PACING.next_move(None, waiting, NOW) == Wait(NOW + timedelta(seconds=6))


def test_after_ten_seconds_without_a_report_the_next_part_goes() -> None:
    """
    A lost callback holds the reply up for ten seconds, not longer.
    """
    second = part(2, parts.QUEUED)
    assert PACING.next_move(None, [part(1, parts.ACCEPTED, accepted=10), second], NOW) == Send(second)


def test_a_part_follows_at_once_after_sent() -> None:
    """
    The report `sent` opens the way.
    """
    second = part(2, parts.QUEUED)
    assert PACING.next_move(None, [part(1, parts.SENT, accepted=0), second], NOW) == Send(second)


def test_a_doubtful_part_holds_everything_behind_it() -> None:
    """
    While nobody knows whether the first part was sent, the second does not go.
    """
    later = NOW + timedelta(seconds=5)
    assert PACING.next_move(None, [part(1, parts.UNKNOWN, next_at=later), part(2, parts.QUEUED)], NOW) == Wait(later)


def test_a_doubtful_part_is_looked_for_when_its_time_has_come() -> None:
    """
    The schedule says when to ask Twilio.
    """
    doubtful = part(1, parts.UNKNOWN, next_at=NOW)
    assert PACING.next_move(None, [doubtful], NOW) == Reconcile(doubtful)


def test_what_a_dead_sender_left_in_sending_is_doubtful() -> None:
    """
    Whoever takes the thread over does not send such a part again, but finds out.
    """
    left = part(1, parts.SENDING)
    assert PACING.next_move(None, [left], NOW) == Reconcile(left)


def test_with_nothing_open_the_thread_rests() -> None:
    """
    No part, no reply: nothing until something happens.
    """
    assert PACING.next_move(None, [part(1, parts.ACCEPTED, accepted=1)], NOW) == Wait(None)


def test_outside_the_window_nothing_is_tried() -> None:
    """
    What is queued is parked, and what is parked waits for the person to write.
    """
    assert PACING.next_move(None, [part(1, parts.QUEUED)], NOW, NOW) == Park()
    assert PACING.next_move(None, [part(1, parts.PARKED)], NOW, NOW) == Wait(None)


def test_within_the_window_a_parked_part_goes() -> None:
    """
    The person wrote, so the window is open again.
    """
    assert PACING.next_move(None, [part(1, parts.PARKED)], NOW, NOW + timedelta(seconds=1)) == Send(
        part(1, parts.PARKED)
    )


def test_a_doubt_is_resolved_outside_the_window_too() -> None:
    """
    Asking is always allowed.
    """
    assert PACING.next_move(None, [part(1, parts.UNKNOWN)], NOW, NOW) == Reconcile(part(1, parts.UNKNOWN))
