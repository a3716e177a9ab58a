"""A person wrote: take in what their thread holds, in order, then wake whoever has work."""

from contextlib import suppress
from dataclasses import dataclass

import psycopg
from pydantic import ValidationError

from services.router.intake import Intake
from services.router.mailbox import Mailbox, Message, Unreadable, Work
from services.router.store import Desk
from shared import faultpoints
from shared.bus import Bus, Delivery, Stored
from shared.events import InboundContent, InboundReceived, ReplyReady, TurnInterrupted, TurnRequested
from shared.failures import MALFORMED_EVENT, MESSAGE_FAILED, GatewayError, Later
from shared.faultpoints import Step
from shared.ids import MessageId, Sequence, TenantId, ThreadKey, new_id
from shared.telemetry import HOP_ROUTE, HOPS, INBOUND_ROUTED, MESSAGES, log
from shared.topology import (
    INBOUND,
    OUT,
    TURN,
    out_subject,
    turn_interrupted_subject,
    turn_schedule_subject,
    turn_subject,
)
from shared.vault import Vault

_BATCH = 100
_MOST_FAILURES = 5
_TRACE_HEADERS = ("traceparent", "tracestate")


class MessageFailed(Exception):
    """A message fails by itself, and may do so `most` times."""

    def __init__(self, reason: str, most: int = _MOST_FAILURES) -> None:
        super().__init__(reason)
        self.reason = reason
        self.most = most


@dataclass(frozen=True)
class Router:
    """The collaborators of the one handler."""

    bus: Bus
    desk: Desk
    intake: Intake
    vault: Vault

    async def on_inbound(self, event: InboundReceived, delivery: Delivery) -> None:
        """Read the thread's subject forward up to this message, take in what is new, and hint at the work left."""
        _, _, tenant, thread = delivery.subject.split(".")
        owner, key = TenantId(tenant), ThreadKey(thread)
        seen, work = await self.desk.last_seen(owner, key), None
        while seen < delivery.seq:
            stored = self.bus.read_forward(INBOUND, delivery.subject, seen, delivery.seq, _BATCH)
            waiting = [self._open(message) async for message in stored]
            if not waiting:
                return  # expired since: nothing is left to take in
            seen, work = await self._take_in(key, event, waiting)
        faultpoints.before(Step.ROUTER_HINT)
        await self._wake(owner, key, work or await self.desk.work_left(owner, key))
        faultpoints.after(Step.ROUTER_HINT)

    async def _take_in(
        self, key: ThreadKey, event: InboundReceived, waiting: list[Message | Unreadable]
    ) -> tuple[Sequence, Work]:
        """Take in what waits; return how far the thread is read now, and what it waits for."""
        try:
            mailbox, told = await self._commit(key, event, waiting)
        except MessageFailed as failed:
            if len(waiting) > 1:  # any of them: go on one by one
                return await self._take_in(key, event, waiting[:1])
            return await self._set_aside(key, event, waiting[0].seq, failed)
        for message, outcome in told:
            _tell(mailbox, message, outcome)
        if mailbox.thread.cancel_turn:
            await self._interrupt(event.tenant, key)
        return mailbox.thread.last_seq, mailbox.work()

    async def _commit(
        self, key: ThreadKey, event: InboundReceived, waiting: list[Message | Unreadable]
    ) -> tuple[Mailbox, list[tuple[Message, str]]]:
        """Take in all that waits, in one transaction. Raises `MessageFailed` where a message fails by itself."""
        try:
            async with self.desk.open(key, event, waiting) as mailbox:
                thread = mailbox.thread
                told = [await self._outcome(mailbox, message) for message in waiting if message.seq > thread.last_seq]
        except psycopg.OperationalError:
            raise  # the database's trouble, not a message's
        except psycopg.Error as error:
            raise MessageFailed(type(error).__name__) from error
        return mailbox, told

    async def _outcome(self, mailbox: Mailbox, message: Message | Unreadable) -> tuple[Message, str]:
        """Take in one message; whatever goes wrong with it must not hold up the thread for ever."""
        if isinstance(message, Unreadable):
            raise MessageFailed(message.failure.code, most=1 if message.failure is MALFORMED_EVENT else _MOST_FAILURES)
        try:
            return message, await self.intake.take_in(mailbox, message)
        except (psycopg.Error, Later):
            raise
        except Exception as error:
            raise MessageFailed(type(error).__name__) from error

    async def _set_aside(
        self, key: ThreadKey, event: InboundReceived, seq: Sequence, failed: MessageFailed
    ) -> tuple[Sequence, Work]:
        """Count that a message failed by itself, and go on without it once that was often enough."""
        async with self.desk.open(key, event) as mailbox:
            passed = seq <= mailbox.thread.last_seq or await mailbox.count_failure(seq, failed.reason, failed.most)
        if not passed:
            raise GatewayError(MESSAGE_FAILED)
        return mailbox.thread.last_seq, mailbox.work()

    async def _interrupt(self, tenant: TenantId, key: ThreadKey) -> None:
        with suppress(Exception):  # the turn finds out when it renews its lease
            await self.bus.announce(turn_interrupted_subject(tenant), TurnInterrupted(tenant=tenant, thread=key))

    async def _wake(self, tenant: TenantId, key: ThreadKey, work: Work) -> None:
        if work.asked_seq is not None:
            turn = TurnRequested(tenant=tenant, thread=key, upto_seq=work.asked_seq)
            subject, message_id = turn_subject(tenant, key), f"turn:{key}:{work.asked_seq}"
            if work.run_at is None:
                await self.bus.publish(TURN, subject, turn, message_id=message_id)
            else:
                later = turn_schedule_subject(tenant, key)
                await self.bus.publish(TURN, later, turn, message_id=message_id, at=work.run_at, target=subject)
        if work.reply is not None:
            ready = ReplyReady(tenant=tenant, thread=key, reply_id=work.reply)
            await self.bus.publish(OUT, out_subject(tenant, key), ready, message_id=f"reply:{work.reply}")

    def _open(self, stored: Stored) -> Message | Unreadable:
        """Decode and unseal a message as it rests in the stream."""
        try:
            event = InboundReceived.decode(stored.body)
            content = InboundContent.model_validate_json(self.vault.open_text(event.sealed, event.seal_context))
        except ValidationError:
            return Unreadable(stored.seq, MALFORMED_EVENT)
        except GatewayError as error:
            return Unreadable(stored.seq, error.failure)
        return Message(
            id=MessageId(new_id("msg")),
            seq=stored.seq,
            at=event.received_at if event.reconciled or event.replay_of else stored.at,
            account_sid=event.account_sid,
            provider_sid=event.provider_sid,
            num_media=event.num_media,
            replayed=bool(event.replay_of),
            content=content,
            trace={name: stored.headers[name] for name in _TRACE_HEADERS if name in stored.headers},
        )


def _tell(mailbox: Mailbox, message: Message, outcome: str) -> None:
    MESSAGES.labels(mailbox.line.provider, mailbox.line.channel, "inbound", outcome).inc()
    seconds = max(0.0, (mailbox.now - message.at).total_seconds())
    HOPS.labels(HOP_ROUTE).observe(seconds)
    log.info(
        INBOUND_ROUTED,
        thread=mailbox.thread.key,
        provider_sid=message.provider_sid,
        outcome=outcome,
        note="WhatsApp not enabled" if outcome == "disabled" else None,
        waited_ms=round(seconds * 1000),
    )
