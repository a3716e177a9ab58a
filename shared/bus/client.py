"""One connection to NATS: publish durably, consume durables with one settling rule, read a thread's subject forward."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

import nats.errors
import nats.js.errors
from faststream import AckPolicy
from faststream.nats import JStream, NatsMessage, PullSub
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from shared.bus.config import ConfigBucket
from shared.bus.durables import Durables, durable_config
from shared.bus.login import LoginBroker
from shared.bus.settle import Delivery, settle
from shared.bus.unavailable import BusUnavailable, answering
from shared.events import Event
from shared.ids import Sequence
from shared.settings import Nats
from shared.telemetry import ANSWER_FAILED, BUS_BACK, BUS_LOST, inner_span, log, trace_headers
from shared.topology import CONSUMERS, STREAMS, Consumer, Stream

E = TypeVar("E", bound=Event)
Handler = Callable[[E, Delivery], Awaitable[None]]

_PULL_TIMEOUT = 2.0
"""Seconds a pull waits. After a server restart a pull stalls until this has passed."""

_RECONNECT_WAIT = 0.5
_DRAIN_LIMIT = 25.0
_CLOSE_LIMIT = 2.0
_EXIT_BUS_CLOSED = 70


@dataclass(frozen=True)
class Stored:
    """A message as it rests in a stream."""

    seq: Sequence
    at: datetime
    body: bytes
    headers: dict[str, str]
    subject: str


@dataclass(frozen=True)
class Queue:
    """
    How full a stream is, and what its durable has not settled. `size`, `most`: bytes.

    `durable`: None where nobody reads it through one; `pending`, `unsettled`: not delivered yet, and delivered; None where it is missing.
    """

    stream: str
    messages: int
    size: int
    most: int
    durable: str | None
    pending: int | None = None
    unsettled: int | None = None

    @property
    def is_missing(self) -> bool:
        """Tell whether the durable is not there."""
        return self.durable is not None and self.pending is None


class Bus:
    """The verbs. Made by `open_bus`."""

    def __init__(self, broker: LoginBroker, client: Client) -> None:
        self._broker = broker
        self._client = client
        self._js: JetStreamContext = client.jetstream()
        self._durables = Durables(self._js)
        self._answering: set[asyncio.Task[None]] = set()
        self.config = ConfigBucket(client)

    async def publish(
        self,
        stream: Stream,
        subject: str,
        event: Event,
        *,
        message_id: str,
        timeout: float = 5.0,
        at: datetime | None = None,
        target: str = "",
    ) -> bool:
        """
        Store an event durably; return whether it was new (False: the id is stored already).

        With `at`, the server delivers it on the subject `target` at that time, unless a newer schedule on `subject`
        replaced it.

        Raises BusUnavailable when the server does not confirm within `timeout` seconds.
        """
        headers = {"Nats-Msg-Id": message_id, "content-type": "application/json", "ce-type": event.type}
        if at is not None:
            headers |= {
                "Nats-Schedule": f"@at {at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
                "Nats-Schedule-Target": target,
            }
        with inner_span(
            f"publish {event.type}",
            kind=SpanKind.PRODUCER,
            messaging__system="nats",
            messaging__operation__name="publish",
            messaging__operation__type="send",
            messaging__destination__name=stream.name,
        ):
            headers |= trace_headers()
            try:
                body = event.encode()
                ack = await self._js.publish(subject, body, timeout=timeout, stream=stream.name, headers=headers)
            except (nats.errors.Error, nats.js.errors.Error, TimeoutError, OSError) as error:
                raise BusUnavailable(type(error).__name__) from error
        return not ack.duplicate

    async def announce(self, subject: str, event: Event) -> None:
        """Tell whoever listens, without any promise."""
        if self._client.is_connected:
            await self._client.publish(subject, event.encode(), headers={"ce-type": event.type, **trace_headers()})

    async def listen(
        self, subject: str, event: type[E], handler: Callable[[E], Awaitable[None]], queue: str = ""
    ) -> None:
        """Hear announcements: each in one process of the group `queue`, or in all where no group is named."""

        async def heard(message: Msg) -> None:
            try:
                await handler(event.decode(message.data))
            except ValidationError:
                log.warning("announcement.malformed", subject_kind=event.type)

        await self._client.subscribe(subject, queue=queue, cb=heard)

    async def overhear(self, subject: str, heard: Callable[[str], Awaitable[None]]) -> None:
        """Hear that something is published, of which only the subject is told: without any promise, and without a durable."""

        async def hear(message: Msg) -> None:
            await heard(message.subject)

        await self._client.subscribe(subject, cb=hear)

    async def request(self, subject: str, question: Event, answer: type[E], timeout: float) -> E:
        """
        Ask whoever answers on a subject, and return the answer. Nothing is stored: who asks, waits.

        Raises BusUnavailable when nobody is there, or says nothing that can be read within `timeout` seconds.
        """
        headers = {"ce-type": question.type, **trace_headers()}
        try:
            said = await self._client.request(subject, question.encode(), timeout=timeout, headers=headers)
            return answer.decode(said.data)
        except (nats.errors.Error, TimeoutError, OSError, ValidationError) as error:
            raise BusUnavailable(type(error).__name__) from error

    async def answer(
        self, subject: str, question: type[E], handler: Callable[[E], Awaitable[Event]], most: int
    ) -> None:
        """Answer questions on a subject, each in one of the processes that do, at most so many at a time in this one."""
        room = asyncio.Semaphore(most)

        async def answered(message: Msg) -> None:
            async with room:
                with suppress(nats.errors.Error):  # who asked has gone
                    await message.respond((await handler(question.decode(message.data))).encode())

        def ended(task: asyncio.Task[None]) -> None:
            self._answering.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                log.warning(ANSWER_FAILED, subject_kind=question.type, exc_info=error)

        async def asked(message: Msg) -> None:
            task = asyncio.create_task(answered(message))
            self._answering.add(task)
            task.add_done_callback(ended)

        await self._client.subscribe(subject, queue=question.type, cb=asked)

    def on(self, consumer: Consumer[E], handler: Handler[E], *, workers: int) -> None:
        """Let `workers` at a time handle the events of a durable. Takes effect at `consume`."""
        self._durables.add(consumer)

        async def deliver(message: NatsMessage) -> None:
            await settle(consumer, handler, message)

        for number in range(workers):
            self._broker.subscriber(
                subject=consumer.subject,
                durable=consumer.durable,
                stream=JStream(consumer.stream.name, declare=False),
                config=durable_config(consumer),
                pull_sub=PullSub(batch_size=1, timeout=_PULL_TIMEOUT),
                inbox_prefix=self._broker.inbox,
                ack_policy=AckPolicy.MANUAL,
                no_reply=True,
                title=f"{consumer.durable}-{number}",
            )(deliver)

    async def consume(self) -> None:
        """Start what `on` registered, creating this process's durables; retries until the streams are there."""
        await self._durables.make()
        await self._broker.start()

    async def watch_durables(self) -> None:
        """Put back durables that vanish (a deleted one makes its pull loop spin). Runs until cancelled."""
        await self._durables.watch()

    async def read_forward(
        self, stream: Stream, subject: str, after: Sequence, upto: Sequence, most: int
    ) -> AsyncIterator[Stored]:
        """Yield the messages of one subject after `after` up to `upto`, oldest first, at most `most`. Raises BusUnavailable."""
        seq = after
        for _ in range(most):
            try:
                async with answering():
                    raw = await self._js.get_msg(stream.name, seq=seq + 1, subject=subject, next=True)
            except nats.js.errors.NotFoundError:
                return
            if raw.seq is None or raw.seq > upto:
                return
            seq = Sequence(raw.seq)
            yield Stored(seq, raw.time or datetime.now(UTC), raw.data or b"", dict(raw.headers or {}), subject)
            if seq == upto:
                return

    async def read_one(self, stream: str, seq: Sequence) -> Stored | None:
        """Return one message of a stream; None where it is gone. Raises BusUnavailable."""
        try:
            async with answering():
                raw = await self._js.get_msg(stream, seq=seq)
        except nats.js.errors.NotFoundError:
            return None
        at = raw.time or datetime.now(UTC)
        return Stored(seq, at, raw.data or b"", dict(raw.headers or {}), raw.subject or "")

    async def last_seq(self, stream: Stream) -> Sequence:
        """Return the position of a stream's newest message. Raises BusUnavailable."""
        async with answering():
            return Sequence((await self._js.stream_info(stream.name)).state.last_seq)

    async def erase(self, stream: Stream, seq: Sequence) -> None:
        """Overwrite one message where it rests, and forget it; nothing where it is gone. Raises BusUnavailable."""
        with suppress(nats.js.errors.NotFoundError):
            async with answering():
                await self._js.delete_msg(stream.name, seq)

    async def purge(self, stream: Stream, subject: str) -> None:
        """Drop everything that a stream holds of one subject. Raises BusUnavailable."""
        async with answering():
            await self._js.purge_stream(stream.name, subject=subject)

    async def check(self) -> str | None:
        """Readiness: connected, and every stream of this process's durables there."""
        return await self._durables.check() if self._client.is_connected else "not connected"

    async def measure(self) -> None:
        """Tell how much waits for each durable of this process, and since when, unless its events are only hints."""
        await self._durables.measure()

    async def queues(self) -> list[Queue]:
        """Return how every stream and its durable do. Raises BusUnavailable, also where a stream is missing."""
        try:
            return await asyncio.gather(*(self._queue(stream) for stream in STREAMS))
        except nats.js.errors.NotFoundError as error:
            raise BusUnavailable(type(error).__name__) from error

    async def _queue(self, stream: Stream) -> Queue:
        async with answering():
            state = (await self._js.stream_info(stream.name)).state
        durable = next((it.durable for it in CONSUMERS if it.stream is stream), None)
        kept = Queue(stream.name, state.messages, state.bytes, stream.max_bytes, durable)
        if durable is None:
            return kept
        try:
            async with answering():
                reader = await self._js.consumer_info(stream.name, durable)
        except nats.js.errors.NotFoundError:
            return kept
        return replace(kept, pending=reader.num_pending or 0, unsettled=reader.num_ack_pending or 0)

    async def stop_consuming(self) -> None:
        """Fetch nothing more and let running handlers end, at most 25 s."""
        await asyncio.gather(*(subscriber.stop() for subscriber in self._broker.subscribers))


@asynccontextmanager
async def open_bus(
    server: str | Nats, name: str, on_back: Callable[[], Awaitable[None]] | None = None
) -> AsyncIterator[Bus]:
    """
    Connect for the length of the block, reconnecting for ever, with the login that the settings name.

    `on_back` runs after each reconnection. A client that gives up would freeze the process; it ends it instead.
    """

    async def lost() -> None:
        if not closing:
            log.warning(BUS_LOST)

    async def back() -> None:
        log.info(BUS_BACK)
        if on_back is not None:
            await on_back()

    async def failed(error: Exception) -> None:
        log.debug(BUS_LOST, reason=type(error).__name__)

    async def closed() -> None:
        if not closing:
            os._exit(_EXIT_BUS_CLOSED)

    closing = False
    broker = LoginBroker(
        server,
        name,
        max_reconnect_attempts=-1,
        reconnect_time_wait=_RECONNECT_WAIT,  # seconds; fractions work
        disconnected_cb=lost,
        reconnected_cb=back,
        error_cb=failed,
        closed_cb=closed,
        graceful_timeout=_DRAIN_LIMIT,
        logger=None,
        apply_types=False,
        decoder=_undecoded,
    )
    client = await broker.connect()
    bus = Bus(broker, client)
    try:
        yield bus
    finally:
        closing = True
        for task in [*bus._answering]:  # noqa: SLF001 - its own
            task.cancel()
        await _within(_CLOSE_LIMIT, bus.stop_consuming())  # on a closed client, a pull spins and lets nothing else run
        await _within(_CLOSE_LIMIT, client.close())


async def _within(seconds: float, ending: Awaitable[None]) -> None:
    try:
        async with asyncio.timeout(seconds):
            await ending
    except (nats.errors.Error, OSError) as error:  # of which a time-out is one
        log.warning(BUS_LOST, reason=type(error).__name__)


async def _undecoded(message: NatsMessage) -> NatsMessage:
    """Hand the message over as it is: reading it, and what follows when that fails, is the settling rule's."""
    return message
