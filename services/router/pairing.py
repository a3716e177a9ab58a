"""Decisions about pairing codes."""

from collections.abc import Sequence
from datetime import datetime, timedelta

_MOST_WRONG = 5
_WRONG_WINDOW = timedelta(minutes=10)

ALREADY_PAIRED = "Number already paired. Send /stop first to free it."
NOT_VALID = "Code expired or not valid. Make a new one in your profile."
"""One answer for wrong, expired and used codes, so that guessing teaches nothing."""

CODE_MISSING = "Send /pair followed by the code from your profile, such as /pair ABCDEFGH."


def normalise(code: str) -> str:
    """Return a code as it was made: people type it in small letters, with dashes or spaces."""
    return "".join(sign for sign in code.upper() if sign.isalnum())


def may_try(wrong: Sequence[datetime], at: datetime) -> bool:
    """Tell whether a number may try another code: at most 5 wrong ones in 10 minutes, then silence."""
    return len([time for time in wrong if time > at - _WRONG_WINDOW]) < _MOST_WRONG


def with_wrong(wrong: Sequence[datetime], at: datetime) -> list[datetime]:
    """Return the wrong tries to remember after one more."""
    return [*(time for time in wrong if time > at - _WRONG_WINDOW), at]
