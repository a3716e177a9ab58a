"""Trouble is spread evenly and can be repeated; its report counts right."""

import random

from dev.chaos.report import quantile
from dev.chaos.trouble import Deck


def test_every_fault_comes_equally_often() -> None:
    """
    A deck is shuffled anew when all of its cards were drawn.
    """
    deck = Deck("abcde", random.Random(1))
    drawn = [deck.draw() for _ in range(15)]
    assert all(sorted(drawn[start : start + 5]) == list("abcde") for start in (0, 5, 10))


def test_a_seed_gives_the_same_faults_again() -> None:
    """
    What was found once can be looked for once more.
    """
    one, other = (Deck("abcde", random.Random(7)) for _ in range(2))
    assert [one.draw() for _ in range(10)] == [other.draw() for _ in range(10)]


def test_a_fault_that_finds_nobody_comes_again() -> None:
    """
    A service of which nothing runs just now has its turn after the others.
    """
    deck = Deck("abc", random.Random(1))
    nobody = deck.draw()
    deck.put_back(nobody)
    assert [deck.draw() for _ in range(3)][-1] == nobody


def test_a_quantile_is_a_value_that_was_measured() -> None:
    """
    The least one that so many do not exceed.
    """
    assert (quantile([], 0.5), quantile([3, 1, 2], 0.5), quantile(range(1, 101), 0.99)) == (None, 2, 99)
