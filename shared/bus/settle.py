"""The one rule by which a delivery ends: acknowledged, again later, or dropped as unreadable."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import structlog
from faststream.nats import NatsMessage
from nats.aio.msg import Msg
from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from shared.events import Event
from shared.failures import Later
from shared.ids import Sequence
from shared.metrics import DELIVERIES
from shared.telemetry import DELIVERY_FAILED, DELIVERY_REFUSED, log, span, waited
from shared.topology import Consumer

E = TypeVar("E", bound=Event)

_MOST_DELAY = 8.0


@dataclass(frozen=True)
class Delivery:
    """Where a delivered event rests, and how often it was delivered (1: the first time)."""

    subject: str
    seq: Sequence
    at: datetime
    number: int
    headers: dict[str, str]


async def settle(
    consumer: Consumer[E], handler: Callable[[E, Delivery], Awaitable[None]], message: NatsMessage
) -> None:
    """
    Run the handler and settle by its outcome.

    Done: acknowledged, and that confirmed by the server unless it was a hint, which may come twice. `Later`: delivered again after its delay. Any other exception: again
    after 1, 2, 4, 8 s. Cancelled: handed back at once. A body that cannot be read is ended for good; its advisory is
    kept in the stream DLQ.
    """
    delivery = _delivery(message.raw_message)
    waited(f"wait {consumer.durable}", delivery.at, parent=delivery.headers, messaging__system="nats")
    with (
        structlog.contextvars.bound_contextvars(durable=consumer.durable, seq=delivery.seq),
        span(
            f"process {consumer.event.type}",
            kind=SpanKind.CONSUMER,
            parent=delivery.headers,
            messaging__system="nats",
            messaging__operation__name="process",
            messaging__operation__type="process",
            messaging__destination__name=consumer.stream.name,
            messaging__consumer__group__name=consumer.durable,
        ),
    ):
        verdict = await _run(consumer, handler, message, delivery)
    DELIVERIES.labels(consumer.durable, verdict).inc()


async def _run(
    consumer: Consumer[E], handler: Callable[[E, Delivery], Awaitable[None]], message: NatsMessage, delivery: Delivery
) -> str:
    try:
        event = consumer.event.decode(message.body)
        with structlog.contextvars.bound_contextvars(tenant=event.tenant):
            await handler(event, delivery)
        await (message.ack() if consumer.stream.hints else message.ack_sync())
    except ValidationError:
        log.error(DELIVERY_REFUSED, reason="malformed_event")
        await message.reject()
        return "refused"
    except Later as later:
        await message.nack(delay=later.delay)
        return "later"
    except asyncio.CancelledError:
        await message.nack()
        raise
    except Exception as error:  # noqa: BLE001 - the last resort of every handler: nothing may be lost
        delay = min(_MOST_DELAY, 2.0 ** min(delivery.number - 1, 3))
        log.warning(DELIVERY_FAILED, exc_info=error, again_in=delay)
        await message.nack(delay=delay)
        return "failed"
    return "done"


def _delivery(raw: Msg) -> Delivery:
    metadata = raw.metadata
    return Delivery(
        subject=raw.subject,
        seq=Sequence(metadata.sequence.stream),
        at=metadata.timestamp.astimezone(UTC) if metadata.timestamp else datetime.now(UTC),
        number=metadata.num_delivered or 1,
        headers=dict(raw.headers or {}),
    )
