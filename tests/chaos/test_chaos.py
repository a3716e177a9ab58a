"""A short run of `make chaos`: every promise is kept."""

import asyncio

import pytest

from dev.chaos.__main__ import options, settings_of, variables
from dev.chaos.report import markdown
from dev.chaos.stack import running
from dev.chaos.unleash import unleash

WORDS = (
    *("--conversations", "30", "--messages", "5", "--kills", "10", "--every", "0.9", "--longest-pause", "4"),
    *("--seed", "7", "--reconcile", "1,3,6,10", "--patience", "90"),
)


@pytest.mark.timeout(240)
async def test_under_chaos_every_promise_is_kept() -> None:
    """
    Thirty people write while ten processes are killed, others are paused, and Twilio and the model fail.
    """
    wanted = settings_of(options(WORDS))
    with running(wanted.replicas, variables(wanted)) as stack:
        report = await asyncio.wait_for(unleash(stack, wanted), 200)
    assert report["good"], markdown(report)
    assert (report["messages"], report["died"]) == (150, 10)
    assert {kind.partition(" ")[2] for kind in report["faults"]} >= {"twilio", "model", "nats", "postgres"}
    assert any(kind.startswith("pause") for kind in report["faults"])
