"""Another automatic service is told from a person who writes fast."""

import pytest

from services.agent.loop_guard import Exchange, is_automatic

AWAY = "Thank you for your message. We are away and will answer on Monday. Ticket {n}"


def exchanges(count: int, waited: float | None, text: str = "message {n}") -> list[Exchange]:
    return [Exchange(text.format(n=n * 7919), waited) for n in range(count)]


def varied(count: int, waited: float) -> list[Exchange]:
    """Return as many exchanges, of which no text is like another."""
    return [Exchange(chr(97 + n) * 30, waited) for n in range(count)]


def test_ten_turns_on_end_within_five_seconds_are_a_machines() -> None:
    """
    Whatever they say.
    """
    assert is_automatic(varied(10, 5.0))
    assert not is_automatic(varied(9, 5.0))
    assert not is_automatic(varied(10, 5.1))


def test_five_messages_that_say_the_same_within_a_minute_are_a_machines() -> None:
    """
    The number of a ticket makes no difference.
    """
    assert is_automatic(exchanges(5, 60.0, AWAY))
    assert not is_automatic(exchanges(4, 60.0, AWAY))
    assert not is_automatic(exchanges(5, 60.1, AWAY))


def test_a_person_who_writes_line_after_line_is_none() -> None:
    """
    Their lines do not wait for our answers.
    """
    typed = varied(10, 2.0)
    typed[6] = Exchange("and one more thing", -1.5)
    assert not is_automatic(typed)


def test_a_person_who_pauses_once_is_none() -> None:
    """
    One turn that took them time to read and write.
    """
    assert not is_automatic([*varied(5, 2.0), Exchange("hm", 19.0), *varied(4, 2.0)])


@pytest.mark.parametrize("text", ["yes", "hello?", "ok", "👍"])
def test_people_say_short_things_again_and_again(text: str) -> None:
    """
    Only texts of some length tell anything by being alike.
    """
    assert not is_automatic(exchanges(8, 20.0, text))


def test_texts_that_differ_are_a_conversation() -> None:
    """
    Even when each comes soon.
    """
    assert not is_automatic(varied(9, 30.0))


def test_a_text_that_is_not_kept_is_like_nothing() -> None:
    """
    Where texts go, the rule of the same texts does not hold.
    """
    said = exchanges(5, 10.0, AWAY)
    said[2] = Exchange(None, 10.0)
    assert not is_automatic(said)


def test_the_first_message_reacts_to_nothing() -> None:
    """
    Before it there was no answer of ours.
    """
    assert not is_automatic([Exchange(AWAY, None), *exchanges(4, 2.0, AWAY)])
