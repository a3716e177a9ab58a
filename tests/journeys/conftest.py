"""Journeys: all processes, told as stories."""

from collections.abc import Iterator

import pytest

from tests.fakes.collector import Collector, collecting
from tests.journeys.stack import Stack

RECONCILE_AFTER = "1,2,4,6"
"""A send that was under way when egress was killed is looked for sooner than the 120 s that Twilio's list may lag."""


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, str]]:
    """A stack as `make up` starts it, and what that printed."""
    folder = tmp_path_factory.mktemp("journey")
    (folder / "orders").mkdir()
    stack = Stack.at(
        folder / "home",
        TRUNKLINE_EGRESS__RECONCILE_AFTER=RECONCILE_AFTER,
        TRUNKLINE_FAULT_POINTS=str(folder / "orders"),
        TRUNKLINE_OUTBOUND__ALLOW="127.0.0.1",
    )
    try:
        yield stack, stack.up().stdout
    finally:
        stack.end()


@pytest.fixture
def stack(shared_stack: tuple[Stack, str]) -> Stack:
    """The running stack, shared: every journey has people of its own and leaves everything up."""
    return shared_stack[0]


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Collector]]:
    """A stack that exports its traces to a collector of ours."""
    with collecting() as collector:
        stack = Stack.at(
            tmp_path_factory.mktemp("watched") / "home",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_BSP_SCHEDULE_DELAY="200",
            TRUNKLINE_LOG__LEVEL="debug",
        )
        try:
            stack.up()
            yield stack, collector
        finally:
            stack.end()
