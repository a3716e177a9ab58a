"""
Notices that the other side is no person but another automatic service (ADR 20), by two plain rules.

*As fast as a machine*: ten turns on end, each of which came at most five seconds after our answer. *Always the same*: five
messages on end that say nearly the same, each at most a minute after our answer. What somebody writes before our answer is
there does not react to it: a person who writes fast, line after line, breaks either run.
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

SILENT_MINUTES = 30
"""How long a conversation is silent after the notice."""

LOOKED_AT = 10
"""Turns that the rules look back on, the present one included."""

FEWEST = 5
"""Turns below which neither rule can hold."""

_FAST_TURNS, _FAST_SECONDS = LOOKED_AT, 5.0
_SAME_TURNS, _SAME_SECONDS = FEWEST, 60.0
_ALIKE = 0.9
_SHORTEST = 20
"""Letters that a text has at least for its likeness to say something: people repeat "yes" and "hello?"."""

_NO_LETTER = re.compile(r"[\W\d_]+")


@dataclass(frozen=True)
class Exchange:
    """
    A turn's first message. `text`: None where it is not kept. `waited`: seconds since our answer before it; None without one.
    """

    text: str | None
    waited: float | None


def is_automatic(exchanges: Sequence[Exchange]) -> bool:
    """Tell whether an automatic service writes. `exchanges`: the latest turns of a conversation, the present one last."""
    return _reacts(exchanges, _FAST_TURNS, _FAST_SECONDS) or (
        _reacts(exchanges, _SAME_TURNS, _SAME_SECONDS) and _are_alike(exchanges[-_SAME_TURNS:])
    )


def _reacts(exchanges: Sequence[Exchange], turns: int, seconds: float) -> bool:
    latest = exchanges[-turns:]
    return len(latest) == turns and all(it.waited is not None and 0 <= it.waited <= seconds for it in latest)


def _are_alike(exchanges: Sequence[Exchange]) -> bool:
    last, *others = [_folded(it.text or "") for it in reversed(exchanges)]
    return len(last) >= _SHORTEST and all(_likeness(last, other) >= _ALIKE for other in others)


def _folded(text: str) -> str:
    """Return a text's letters alone: tickets' numbers and times differ where all else is the same."""
    return _NO_LETTER.sub(" ", text.casefold()).strip()[:1000]


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio() if other else 0.0
