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
        """
        Tell whether a message that arrived `at` is within the limit, and return the hits to remember.

        Messages may be judged late, after some that arrived later: those are not held against it.
        """
        window = timedelta(seconds=self.window)
        admitted = len([hit for hit in hits if at - window < hit <= at]) < self.most
        kept = sorted([*hits, at] if admitted else hits)
        return admitted, [hit for hit in kept if hit > kept[-1] - window]
