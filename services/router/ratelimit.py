"""How many messages a number may send: a sliding window over times of arrival."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class RateLimit:
    """At most `most` in any `window` seconds."""

    most: int
    window: float

    def admit(self, hits: Sequence[datetime], at: datetime) -> tuple[bool, list[datetime]]:
        """Tell whether a message that arrived `at` is within the limit, and return the hits to remember."""
        since = at - timedelta(seconds=self.window)
        recent = [hit for hit in hits if hit > since]
        if len(recent) >= self.most:
            return False, recent
        return True, [*recent, at]
