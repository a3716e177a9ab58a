"""How many messages a number may send."""

from datetime import UTC, datetime, timedelta

from services.router.ratelimit import RateLimit

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LIMIT = RateLimit(10, 60.0)


def _hits(*seconds: float) -> list[datetime]:
    return [NOW + timedelta(seconds=second) for second in seconds]


def test_the_tenth_message_passes_and_the_eleventh_does_not() -> None:
    """
    Ten in sixty seconds.
    """
    hits: list[datetime] = []
    verdicts = []
    for second in range(11):
        admitted, hits = LIMIT.admit(hits, NOW + timedelta(seconds=second))
        verdicts.append(admitted)
    assert verdicts == [True] * 10 + [False]


def test_the_window_slides() -> None:
    """
    Sixty seconds after the first of ten, there is room for one.
    """
    hits = _hits(*range(10))
    assert not LIMIT.admit(hits, NOW + timedelta(seconds=59.9))[0]
    assert LIMIT.admit(hits, NOW + timedelta(seconds=60))[0]


def test_a_message_that_is_found_late_is_not_held_against_later_ones() -> None:
    """
    Ten live messages do not limit one that was written an hour before them.
    """
    admitted, hits = LIMIT.admit(_hits(*range(10)), NOW - timedelta(hours=1))
    assert admitted
    assert hits == _hits(*range(10))
