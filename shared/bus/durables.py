"""The durables that this process reads: made before it reads, put back when they vanish, and measured."""

import asyncio
import random
from datetime import UTC, datetime
from typing import Any

import nats.errors
import nats.js.errors
from nats.js import JetStreamContext, api

from shared.bus.unavailable import answering
from shared.ids import Sequence
from shared.metrics import EVENTS_PENDING, OLDEST_WAITING
from shared.telemetry import BUS_LOST, DURABLE_RESTORED, log
from shared.topology import Consumer

_WATCHDOG_PERIOD = 5.0


class Durables:
    """Those of one process."""

    def __init__(self, js: JetStreamContext) -> None:
        self._js = js
        self._consumers: list[Consumer[Any]] = []

    def add(self, consumer: Consumer[Any]) -> None:
        """Count one among them. Takes effect at `make`."""
        self._consumers.append(consumer)

    async def make(self) -> None:
        """Create each; retries until the streams are there."""
        for consumer in self._consumers:
            await self._ensure(consumer)

    async def watch(self) -> None:
        """Put back what vanishes. Runs until cancelled."""
        while True:
            await asyncio.sleep(_WATCHDOG_PERIOD)
            for consumer in self._consumers:
                await self._restore(consumer)

    async def check(self) -> str | None:
        """Return which one is missing."""
        for consumer in self._consumers:
            try:
                await self._js.consumer_info(consumer.stream.name, consumer.durable)
            except nats.js.errors.NotFoundError:
                return f"durable {consumer.durable} is missing"
        return None

    async def measure(self) -> None:
        """Tell how much waits for each, and since when, unless its events are only hints. Raises BusUnavailable."""
        for consumer in self._consumers:
            async with answering():
                state = await self._js.consumer_info(consumer.stream.name, consumer.durable)
            pending = (state.num_pending or 0) + (state.num_ack_pending or 0)
            EVENTS_PENDING.labels(consumer.durable).set(pending)
            if not consumer.stream.hints:
                settled = Sequence(state.ack_floor.stream_seq if state.ack_floor else 0)
                OLDEST_WAITING.labels(consumer.durable).set(await self._age(consumer, settled) if pending else 0)

    async def _age(self, consumer: Consumer[Any], settled: Sequence) -> float:
        """Return the age in seconds of the first event that is not settled. Raises BusUnavailable."""
        try:
            async with answering():
                subject = consumer.subject
                first = await self._js.get_msg(consumer.stream.name, seq=settled + 1, subject=subject, next=True)
        except nats.js.errors.NotFoundError:  # it expired
            return 0.0
        return max(0.0, (datetime.now(UTC) - first.time).total_seconds()) if first.time else 0.0

    async def _ensure(self, consumer: Consumer[Any]) -> None:
        while True:
            try:
                await self._js.add_consumer(consumer.stream.name, durable_config(consumer))
            except (nats.errors.Error, nats.js.errors.Error, TimeoutError) as error:
                log.warning(BUS_LOST, durable=consumer.durable, reason=type(error).__name__)
                await asyncio.sleep(random.uniform(0.2, 1.0))  # noqa: S311 - jitter
            else:
                return

    async def _restore(self, consumer: Consumer[Any]) -> None:
        try:
            await self._js.consumer_info(consumer.stream.name, consumer.durable)
        except nats.js.errors.NotFoundError:
            await self._ensure(consumer)
            log.warning(DURABLE_RESTORED, durable=consumer.durable)
        except (nats.errors.Error, nats.js.errors.Error, TimeoutError) as error:
            log.warning(BUS_LOST, durable=consumer.durable, reason=type(error).__name__)


def durable_config(consumer: Consumer[Any]) -> api.ConsumerConfig:
    """Return the server's settings for a row of the table of durables."""
    return api.ConsumerConfig(
        durable_name=consumer.durable,
        filter_subject=consumer.subject,
        ack_policy=api.AckPolicy.EXPLICIT,
        ack_wait=consumer.ack_wait,
        max_ack_pending=consumer.max_ack_pending,
        max_deliver=-1,
    )
