"""A person wrote: take in what their thread holds, in order, then wake whoever has work."""

from contextlib import suppress
from dataclasses import dataclass

import psycopg
from pydantic import ValidationError

from services.router.intake import DUPLICATE, Intake
from services.router.mailbox import Mailbox
from services.router.store import Desk
from services.router.threads import Group, Message, Regrouped, Unreadable, Work, in_order
from shared import faultpoints
from shared.bus import Bus, Delivery, Stored
from shared.events import InboundContent, InboundReceived, InboundSettled, ReplyReady, TurnInterrupted, TurnRequested
from shared.failures import MALFORMED_EVENT, MESSAGE_FAILED, GatewayError, Later
from shared.faultpoints import Step
from shared.ids import MessageId, Sequence, TenantId, ThreadKey, new_id
from shared.metrics import DUPLICATES, HOP_ROUTE, MESSAGES, observe
from shared.telemetry import INBOUND_ROUTED, log
from shared.topology import (
    INBOUND,
    OUT,
    TURN,
    inbound_settled_subject,
    inbound_subject,
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


class Erased(Exception):
    """A first message was read, and then erased with the person who wrote it: nothing may be made of it."""


@dataclass(frozen=True)
class Router:
    """The collaborators of the one handler."""

    bus: Bus
    desk: Desk
    intake: Intake
    vault: Vault

    async def on_inbound(self, event: InboundReceived, delivery: Delivery) -> None:
        """Read the person's threads forward up to this message, take in what is new, and hint at the work left."""
        _, _, tenant, thread = delivery.subject.split(".")
        owner, key = TenantId(tenant), ThreadKey(thread)
        group, work = await self.desk.group(owner, key), None
        while group.seen[key] < delivery.seq:
            waiting = await self._waiting(owner, group, delivery.seq)
            if not waiting:
                return  # expired since: nothing is left to take in
            try:
                group, work = await self._take_in(group, event, waiting)
            except Regrouped:
                group = await self.desk.group(owner, key)
            except Erased:
                continue  # what came since is read again
        faultpoints.before(Step.ROUTER_HINT)
        await self._wake(owner, group.root, work or await self.desk.work_left(owner, group.root))
        faultpoints.after(Step.ROUTER_HINT)

    async def _waiting(self, tenant: TenantId, group: Group, upto: Sequence) -> list[Message | Unreadable]:
        """Return what arrived on any of the person's threads and was not read, in order."""
        reads = []
        for key, seen in group.seen.items():
            stored = self.bus.read_forward(INBOUND, inbound_subject(tenant, key), seen, upto, _BATCH)
            reads.append([self._open(message, key) async for message in stored])
        return in_order(reads, _BATCH)

    async def _take_in(
        self, group: Group, event: InboundReceived, waiting: list[Message | Unreadable]
    ) -> tuple[Group, Work]:
        """Take in what waits; return how far the threads are read now, and what they wait for."""
        try:
            mailbox, told = await self._commit(group, event, waiting)
        except MessageFailed as failed:
            if len(waiting) > 1:  # any of them: go on one by one
                return await self._take_in(group, event, waiting[:1])
            return await self._set_aside(group, event, waiting[0], failed)
        for message, outcome in told:
            _tell(mailbox, message, outcome)
        for thread in mailbox.threads:
            if thread.cancel_turn:
                await self._interrupt(event.tenant, thread.key)
        if (work := mailbox.work()).is_none:
            await self._settled(event.tenant, mailbox.thread.key)
        return mailbox.group(), work

    async def _commit(
        self, group: Group, event: InboundReceived, waiting: list[Message | Unreadable]
    ) -> tuple[Mailbox, list[tuple[Message, str]]]:
        """Take in all that waits, in one transaction. Raises `MessageFailed` where a message fails by itself."""
        try:
            async with self.desk.open(group, event, waiting) as mailbox:
                await self._assert_not_erased(mailbox, waiting[0].seq)
                told = [await self._outcome(mailbox, message) for message in waiting if mailbox.is_new(message)]
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
        self, group: Group, event: InboundReceived, message: Message | Unreadable, failed: MessageFailed
    ) -> tuple[Group, Work]:
        """Count that a message failed by itself, and go on without it once that was often enough."""
        async with self.desk.open(group, event) as mailbox:
            await self._assert_not_erased(mailbox, message.seq)
            passed = not mailbox.is_new(message) or await mailbox.count_failure(message.seq, failed.reason, failed.most)
        if not passed:
            raise GatewayError(MESSAGE_FAILED)
        return mailbox.group(), mailbox.work()

    async def _assert_not_erased(self, mailbox: Mailbox, seq: Sequence) -> None:
        """Raise `Erased` where a thread is made for a message that is not there any more."""
        if mailbox.is_fresh and await self.bus.read_one(INBOUND.name, seq) is None:
            raise Erased

    async def _interrupt(self, tenant: TenantId, key: ThreadKey) -> None:
        with suppress(Exception):  # the turn finds out when it renews its lease
            await self.bus.announce(turn_interrupted_subject(tenant, key), TurnInterrupted(tenant=tenant, thread=key))

    async def _settled(self, tenant: TenantId, key: ThreadKey) -> None:
        with suppress(Exception):  # a page that is open shows it with whatever comes next
            await self.bus.announce(inbound_settled_subject(tenant, key), InboundSettled(tenant=tenant, thread=key))

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

    def _open(self, stored: Stored, thread: ThreadKey) -> Message | Unreadable:
        """Decode and unseal a message as it rests in the stream."""
        try:
            event = InboundReceived.decode(stored.body)
            content = InboundContent.model_validate_json(self.vault.open_text(event.sealed, event.seal_context))
        except ValidationError:
            return Unreadable(stored.seq, MALFORMED_EVENT, thread)
        except GatewayError as error:
            return Unreadable(stored.seq, error.failure, thread)
        return Message(
            id=MessageId(new_id("msg")),
            seq=stored.seq,
            at=event.received_at if (later := event.reconciled or bool(event.replay_of)) else stored.at,
            webhook_ms=None if later else max(0, round((stored.at - event.received_at).total_seconds() * 1000)),
            account_sid=event.account_sid,
            provider_sid=event.provider_sid,
            num_media=event.num_media,
            replayed=bool(event.replay_of),
            content=content,
            trace={name: stored.headers[name] for name in _TRACE_HEADERS if name in stored.headers},
            thread=thread,
        )


def _tell(mailbox: Mailbox, message: Message, outcome: str) -> None:
    MESSAGES.labels(mailbox.line.provider, mailbox.line.channel, "inbound", outcome).inc()
    if outcome == DUPLICATE:
        DUPLICATES.labels("router").inc()
    seconds = max(0.0, (mailbox.now - message.at).total_seconds())
    observe(HOP_ROUTE, seconds)
    log.info(
        INBOUND_ROUTED,
        thread=mailbox.thread.key,
        provider_sid=message.provider_sid,
        outcome=outcome,
        note="WhatsApp not enabled" if outcome == "disabled" else None,
        waited_ms=round(seconds * 1000),
    )
