"""A short run of `make chaos`: every promise is kept."""

import asyncio

import pytest

from dev.chaos.__main__ import options, running, unleash


@pytest.mark.timeout(240)
async def test_under_chaos_every_promise_is_kept() -> None:
    """
    Thirty people write while a dozen processes are killed, others are paused, and Twilio and the model fail.
    """
    wanted = options(["--conversations", "30", "--messages", "5", "--kills", "12", "--every", "1.5", "--seed", "7"])
    with running(wanted.replicas, {"TRUNKLINE_EGRESS__RECONCILE_AFTER": "1,3,6,10"}) as stack:
        report = await asyncio.wait_for(unleash(stack, wanted), 200)
    assert report["messages"] == 150
    assert report["good"], report["verdict"]
