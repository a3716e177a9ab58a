"""Scaling as the manifests say it: the numbers are production's."""

import pytest

from dev.scaling.manifest import SCALED, Age, Lag, scaler
from dev.scaling.rule import Autoscaler
from shared.topology import AGENT, EGRESS, ROUTER, STATUS_READER

ROUTED = Lag("INBOUND", "router")
WAITING = Age("router")


@pytest.fixture
def router() -> Autoscaler:
    return Autoscaler(scaler("router"))


def test_a_scaler_says_what_one_replica_is_there_for() -> None:
    """
    Durables are the topology's; egress has two.
    """
    measured = {it for name in SCALED for it in scaler(name).targets if isinstance(it, Lag)}
    assert measured == {Lag(it.stream.name, it.durable) for it in (ROUTER, AGENT, EGRESS, STATUS_READER)}
    assert scaler("router").targets == {ROUTED: 200, WAITING: 5}
    assert (scaler("router").least, scaler("router").most) == (2, 12)


@pytest.mark.parametrize(("lag", "replicas"), [(0, 2), (400, 2), (430, 2), (500, 3), (700, 4), (5000, 4)])
def test_what_waits_asks_for_replicas_at_most_twice_as_many_at_once(
    router: Autoscaler, lag: float, replicas: int
) -> None:
    """
    One for each 200 messages, but for a tenth more or less, never fewer than two, and no more than double in 15 s.
    """
    assert router.replicas(0, 2, {ROUTED: lag, WAITING: 0}) == replicas


def test_the_measure_that_asks_for_most_counts(router: Autoscaler) -> None:
    """
    A short queue of old work is as bad as a long one.
    """
    assert router.replicas(0, 2, {ROUTED: 3, WAITING: 16}) == 4


def test_growth_goes_on_period_by_period_to_the_most(router: Autoscaler) -> None:
    """
    2, 4, 8, 12: within a period what has been added counts.
    """
    seen, running = [], 2
    for now in range(0, 60, 5):
        running = router.replicas(now, running, {ROUTED: 1e6})
        seen.append(running)
    assert seen == [2 * 2] * 3 + [8] * 3 + [12] * 6


def test_shrinking_waits_for_calm_and_goes_one_by_one(router: Autoscaler) -> None:
    """
    Five minutes after the last look that asked for more; then one a minute, down to the least.
    """
    assert router.replicas(0, 2, {ROUTED: 800}) == 4
    running, seen = 4, {}
    for now in range(10, 600, 10):
        after = router.replicas(now, running, {ROUTED: 0})
        if after != running:
            seen[now] = after
        running = after
    assert seen == {300: 3, 360: 2}


def test_nothing_changes_while_nothing_can_be_read(router: Autoscaler) -> None:
    """
    Neither NATS nor a process answers: as many as there are.
    """
    assert router.replicas(0, 5, {}) == 5
