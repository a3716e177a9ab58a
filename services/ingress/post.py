"""Stores events durably before anybody is told that they are accepted."""

import asyncio
import random

from shared import faultpoints
from shared.bus import Bus, BusUnavailable
from shared.events import Event
from shared.faultpoints import Step
from shared.topology import Stream

ANSWER_LIMIT = 3.0
"""Seconds for all that ingress asks of NATS. Twilio is told to wait 4 s, so that its own retries fit into its limit."""

_ATTEMPT_LIMIT = 1.0
_FIRST_PAUSE, _MOST_PAUSE = 0.05, 0.5


async def store(bus: Bus, stream: Stream, subject: str, event: Event, *, message_id: str, until: float) -> bool:
    """
    Publish under one id, again and again until confirmed; return whether it was new.

    Raises `BusUnavailable` when nothing was confirmed by `until`, in the event loop's time. The event may be stored all
    the same; repeated under its id it stays one.
    """
    pause, repeated = _FIRST_PAUSE, False
    try:
        async with asyncio.timeout_at(until):
            while True:
                try:
                    faultpoints.before(Step.INGRESS_PUBLISH)
                    fresh = await bus.publish(stream, subject, event, message_id=message_id, timeout=_ATTEMPT_LIMIT)
                except BusUnavailable:
                    await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
                    pause, repeated = min(2 * pause, _MOST_PAUSE), True
                else:
                    faultpoints.after(Step.INGRESS_PUBLISH)
                    return fresh or repeated  # an earlier try of ours may be what it repeats
    except TimeoutError as error:
        raise BusUnavailable("no confirmation in time") from error
