"""Fixed sentences that are not said again and again: each has the time within which it is said once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Notice:
    """A sentence, and the seconds in which one thread hears it at most once."""

    name: str
    text: str
    every: float

    def due(self, noticed: Mapping[str, str], at: datetime) -> bool:
        """Tell whether a message that arrived `at` should get this notice."""
        last = noticed.get(self.name)
        return last is None or at >= datetime.fromisoformat(last) + timedelta(seconds=self.every)


TEXT_ONLY = Notice("text_only", "For now I only accept text messages.", every=10)
"""Once per burst: an album of photos arrives as one message each."""

TOO_LONG = Notice("too_long", "That message is too long for me. Please keep it below 4,096 characters.", every=10)
NOT_RECOGNIZED = Notice(
    "not_recognized",
    "This number is not recognized. Make a code in your profile and send /pair followed by it.",
    every=3600,
)
OVER_QUOTA = Notice("over_quota", "I have answered as much as I can today. Please write again tomorrow.", every=86_400)
NO_AGENT = Notice("no_agent", "There is nobody to answer you yet. Please try again later.", every=3600)


def too_many(window: float) -> Notice:
    """Return the notice of the rate limit, said once per window."""
    return Notice(
        "too_many", "You are writing faster than I can read. Please wait a minute and try again.", every=window
    )
