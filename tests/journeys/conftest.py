"""
Journeys: all processes, told as stories.

A stack ends with the last of them: one that nobody asks anything still takes a tenth of a core.
"""

import secrets
from collections.abc import Iterator

import pytest

from tests.fakes.collector import Collector, collecting
from tests.journeys.stack import Stack, free_offset

OVERRIDES = "rc=5&rp=5xx,ct,rt&ct=2000&rt=4000&tt=15000"
RECONCILE_AFTER = "1,2,4,6"
"""A send that was under way when egress was killed is looked for sooner than the 120 s that Twilio's list may lag."""


@pytest.fixture(scope="package")
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


@pytest.fixture(scope="package")
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


@pytest.fixture(scope="package")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of the source documents' own nine variables, and of ours that lets in only who has paired; all is as it should be."""
    offset = free_offset()
    stack = Stack.at(
        tmp_path_factory.mktemp("ward") / "home",
        TWILIO_ACCOUNT_SID="AC" + secrets.token_hex(16),
        TWILIO_AUTH_TOKEN=secrets.token_hex(16),
        TWILIO_DEFAULT_FROM="whatsapp:+15005550010",
        TWILIO_WEBHOOK_URL=f"http://127.0.0.1:{8080 + offset}/webhooks/twilio#{OVERRIDES}",
        CHANNEL_PAIR_CODE_TTL_MS="600000",
        CHANNEL_PAIR_RATE_LIMIT="3",
        CHANNEL_INBOUND_RPS_BUCKET="10",
        CHANNEL_INBOUND_RPS_WINDOW="60000",
        TRUNKLINE_DEFAULT_LINE_ACCESS="paired",
        TRUNKLINE_PORT_OFFSET=str(offset),
    )
    try:
        stack.up()
        yield stack
    finally:
        stack.end()
