"""
How many replicas a service gets: the rule of Kubernetes' HorizontalPodAutoscaler, which KEDA feeds.

A measure asks for as many replicas as it exceeds what one is there for, and the one that asks for most counts. A tenth more or less
changes nothing. Growth begins at once, at most so much in a period; shrinking takes the most that was asked for in its window.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from dev.scaling.manifest import Measure, Scaler

_TOLERANCE = 0.1


@dataclass
class Autoscaler:
    """The rule for one service. Times are seconds of any clock that does not go back."""

    scaler: Scaler
    _asked: list[tuple[float, int]] = field(default_factory=list)
    _changes: list[tuple[float, int]] = field(default_factory=list)

    def replicas(self, now: float, running: int, readings: Mapping[Measure, float]) -> int:
        """Return how many there shall be, and take it that there will be."""
        asked = max((self._asked_by(measure, value, running) for measure, value in readings.items()), default=running)
        wanted = self._within_pace(now, running, min(self.scaler.most, max(self.scaler.least, asked)))
        if wanted != running:
            self._changes.append((now, wanted - running))
        return wanted

    def _asked_by(self, measure: Measure, value: float, running: int) -> int:
        share = value / self.scaler.targets[measure]
        return running if abs(share / running - 1) <= _TOLERANCE else math.ceil(share)

    def _within_pace(self, now: float, running: int, asked: int) -> int:
        growth, shrinking = self.scaler.growth, self.scaler.shrinking
        self._asked = [(at, count) for at, count in self._asked if at > now - shrinking.window] + [(now, asked)]
        if asked > running:
            before = running - self._changed(now - growth.period, grown=True)
            return min(asked, max(running, math.ceil(before * (1 + growth.step / 100))))
        calm = min(running, max(count for _, count in self._asked))
        before = running + self._changed(now - shrinking.period, grown=False)
        return max(calm, min(running, before - shrinking.step))

    def _changed(self, since: float, *, grown: bool) -> int:
        return sum(abs(by) for at, by in self._changes if at > since and (by > 0) == grown)
