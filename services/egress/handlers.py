"""A reply waits: render it into parts, send the next one, record. A part was reported: move it forward, release the next."""

import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
import stamina
import structlog
from psycopg_pool import PoolTimeout

from services.egress.ordering import Cut, Pacing, Park, Reconcile, Send, Wait
from services.egress.parts import ACCEPTED, has_left, reported
from services.egress.reports import Reported, Reports
from services.egress.store import Claim, Desk, Doubt, FenceLost, SendLedger, Try
from shared import faultpoints
from shared.bus import Bus, BusUnavailable, Delivery
from shared.channels.ports import Accepted, Listed, Outbound, Outcome, Refused
from shared.events import PartReported, ReplyReady
from shared.failures import CHANNEL_UNKNOWN, OUTCOME_UNKNOWN, GatewayError, Later
from shared.fairness import FairWork
from shared.faultpoints import Step
from shared.ids import TenantId, ThreadKey
from shared.metrics import AMBIGUOUS_SENDS, HOP_ANSWER, HOP_SEND, MESSAGES, SEND_FAILURES, observe, timed
from shared.telemetry import (
    PART_IN_DOUBT,
    PART_REPORTED,
    PART_SENT,
    PARTS_PARKED,
    link,
    log,
    span,
    trace_headers,
    waited,
)
from shared.topology import OUT, out_subject

_SWEEP_EVERY = 0.5
_MOST_BACKOFF = 60.0
_RECORD_LIMIT = 40.0
"""Seconds for which an outcome that we know is tried to be written down: within the claim's lease."""

for _resolution in ("adopted", "resent", "given_up"):
    AMBIGUOUS_SENDS.labels(_resolution)  # there from the start, so that the first one is seen as a rise

_PASSING = (psycopg.OperationalError, PoolTimeout, Later)


@dataclass
class Egress:
    """The collaborators of sending. `room`: threads that are sent to from here at the same time."""

    bus: Bus
    ledger: SendLedger
    reports: Reports
    channels: Mapping[str, Outbound]
    pacing: Pacing
    reconcile_after: tuple[float, ...]
    room: int = 32

    def __post_init__(self) -> None:
        self.threads = FairWork(self.room, self.ledger.due, self.send_out, every=_SWEEP_EVERY, patience=_SWEEP_EVERY)

    async def on_reply_ready(self, event: ReplyReady, _delivery: Delivery) -> None:
        """Send what the thread has to say. Somebody else's claim is left to them: they look again before they let go."""
        self.threads.hint(event.tenant, event.thread)

    async def on_part_reported(self, event: PartReported, _delivery: Delivery) -> None:
        """Move the part forward; once it has left, the next one may go, if there is one."""
        failure = None
        if event.error_code is not None or reported(event.status) in {"failed", "undelivered"}:
            failure = self._channel("twilio", "whatsapp").failure(event.error_code or 0)
        moved = await self.reports.record(event, failure)
        if moved is None:
            return
        _trace_report(event, moved)
        _tell_report(event, moved)
        if moved.more and has_left(moved.after):
            ready = ReplyReady(tenant=event.tenant, thread=moved.thread, reply_id=moved.reply)
            with suppress(BusUnavailable):  # only a hint: the sweeper finds the thread by its send_at
                subject = out_subject(event.tenant, moved.thread)
                await self.bus.publish(OUT, subject, ready, message_id=f"after:{event.provider_sid}:{event.status}")

    async def send_out(self, tenant: TenantId, thread: ThreadKey) -> None:
        """Make every move that can be made on a thread now, then let go of it."""
        with structlog.contextvars.bound_contextvars(tenant=tenant, thread=thread), suppress(FenceLost):
            async with self.ledger.claimed(tenant, thread, Step.EGRESS_MOVE) as desk:
                if desk is None:
                    return
                claim, begun = desk.claim, await self._next(desk)
            if isinstance(begun, Try):
                waited("wait send", claim.due_at, parent=begun.trace)
            while begun is not None:
                begun = await (self._send(claim, begun) if isinstance(begun, Try) else self._find_out(claim, begun))

    async def _next(self, desk: Desk) -> Try | Doubt | None:
        """Decide what comes next, and put it on record; None once there is nothing, and the thread was let go."""
        view, standing = await desk.view(), await desk.standing()
        now = standing.now
        if standing.regrouped:
            await desk.release(now)
            return None
        channel = self._channel(desk.claim.provider, desk.claim.channel)
        closed_at = standing.last_inbound_at + channel.window if channel.window else None
        if desk.claim.to is None:
            closed_at = now
        while True:
            match self.pacing.next_move(view.uncut.id if view.uncut else None, view.parts, now, closed_at):
                case Wait(until):
                    await desk.release(until)
                    return None
                case Park():
                    log.info(PARTS_PARKED, parts=await desk.park())
                    view = await desk.view()
                case Cut() if view.uncut is not None:
                    reply, claim = view.uncut, desk.claim
                    bodies = channel.render(reply.markdown, reply.sources, limit=claim.limit, truncated=claim.truncated)
                    cut = await desk.cut(view.uncut, bodies)
                    view = view.with_cut(cut) if cut else await desk.view()
                case Send(part):
                    return await desk.begin(part)
                case Reconcile(part):
                    doubt = await desk.doubt(part)
                    if now >= (due := self._ask_at(doubt, doubt.checks)):
                        return doubt
                    await desk.hold(part, due, doubt.checks)
                    view = await desk.view()

    async def _send(self, claim: Claim, attempt: Try) -> Try | Doubt | None:
        """Make the call that was just put on record, write down what came of it, and return what comes next."""
        channel = self._channel(claim.provider, claim.channel)
        part = attempt.part.ordinal
        with span(
            "send part", parent=attempt.trace, trunkline__attempt=attempt.attempt, trunkline__part=part
        ) as opened:
            faultpoints.before(Step.EGRESS_SEND)
            assert claim.to is not None, "without an address parts are parked"  # noqa: S101
            with timed(HOP_SEND):
                outcome = await channel.send(
                    claim.credentials, sender=claim.sender, to=claim.to, body=attempt.body, attempt=attempt.attempt
                )
            faultpoints.after(Step.EGRESS_SEND)
            if isinstance(outcome, Accepted):
                opened.set_attribute("trunkline.message_sid", outcome.provider_sid)
            begun = await self._recorded(claim, attempt, outcome)
            _tell_send(claim, attempt, outcome)
        return begun

    async def _recorded(self, claim: Claim, attempt: Try, outcome: Outcome) -> Try | Doubt | None:
        """Write down an outcome that we know, however often the database has to be asked."""
        begun: Try | Doubt | None = None
        async for again in stamina.retry_context(on=_PASSING, timeout=_RECORD_LIMIT, attempts=None, wait_max=1.0):
            with again:
                async with self.ledger.desk(claim, Step.EGRESS_RECORD) as desk:
                    await self._record(desk, attempt, outcome)
                    begun = await self._next(desk)
        return begun

    async def _record(self, desk: Desk, attempt: Try, outcome: Outcome) -> None:
        part = attempt.part
        if isinstance(outcome, Accepted):
            await desk.accept(
                part,
                attempt.attempt,
                outcome.provider_sid,
                http_status=outcome.http_status,
                towards=reported(outcome.status) or ACCEPTED,
            )
        elif isinstance(outcome, Refused):
            await desk.end(attempt.attempt, "refused", outcome.http_status, outcome.code)
            failure = outcome.failure
            if failure.retry and attempt.number < failure.most:
                again_at = (await desk.standing()).now + _backoff(failure.after, attempt.number)
                await desk.requeue(part, again_at)
            else:
                await desk.fail(part, failure.code, outcome.code, stops=failure.stops)
        else:
            await desk.end(attempt.attempt, "unknown", outcome.http_status, None)
            ask_at = (await desk.standing()).now + timedelta(seconds=self.reconcile_after[0])
            await desk.hold(part, ask_at, 0)

    async def _find_out(self, claim: Claim, doubt: Doubt) -> Try | Doubt | None:
        """Ask the provider for a doubtful part: adopt it, look again later, or send it once more."""
        channel = self._channel(claim.provider, claim.channel)
        listed = None
        if claim.to is not None:
            listed = await channel.find_sent(claim.credentials, sender=claim.sender, to=claim.to, since=doubt.since)
        async with self.ledger.desk(claim) as desk:
            resolution = await self._resolve(desk, doubt, listed)
            begun = await self._next(desk)
        log.warning(PART_IN_DOUBT, attempt=doubt.attempt, checks=doubt.checks + 1, resolution=resolution)
        if resolution not in {"waiting", "held"}:
            AMBIGUOUS_SENDS.labels(resolution).inc()
        return begun

    def _ask_at(self, doubt: Doubt, checks: int) -> datetime:
        """Return when the provider is asked for the (checks + 1)th time."""
        return doubt.since + timedelta(seconds=self.reconcile_after[min(checks, len(self.reconcile_after) - 1)])

    async def _resolve(self, desk: Desk, doubt: Doubt, listed: list[Listed] | None) -> str:
        part, checks = doubt.part, doubt.checks + 1
        now, last = (await desk.standing()).now, self.reconcile_after[-1]
        if listed is None:  # the provider cannot tell: never guess
            await desk.hold(part, now + timedelta(seconds=max(1.0, last / 4)), doubt.checks)
            return "held"
        taken = await desk.bound_elsewhere([message.provider_sid for message in listed])
        found = next((it for it in listed if it.body == doubt.body and it.provider_sid not in taken), None)
        if found is not None:
            await desk.accept(part, doubt.attempt, found.provider_sid, towards=reported(found.status) or "accepted")
            return "adopted"
        if checks < len(self.reconcile_after):
            await desk.hold(part, self._ask_at(doubt, checks), checks)
            return "waiting"
        if doubt.resent:
            await desk.fail(part, OUTCOME_UNKNOWN.code, None, stops=False)
            return "given_up"
        await desk.requeue(part, now, resent=True)
        return "resent"

    def _channel(self, provider: str, channel: str) -> Outbound:
        try:
            return self.channels[f"{provider}/{channel}"]
        except KeyError:
            raise GatewayError(CHANNEL_UNKNOWN) from None


def _backoff(first: float, tries: int) -> timedelta:
    """Full jitter above the failure's own pause, growing to a minute."""
    return timedelta(seconds=first + random.uniform(0, min(_MOST_BACKOFF, first * 2.0**tries)))  # noqa: S311


def _tell_send(claim: Claim, attempt: Try, outcome: Outcome) -> None:
    sid = outcome.provider_sid if isinstance(outcome, Accepted) else None
    result = type(outcome).__name__.lower()
    MESSAGES.labels(claim.provider, claim.channel, "outbound", result).inc()
    if isinstance(outcome, Refused):
        SEND_FAILURES.labels(outcome.failure.code).inc()
    log.info(
        PART_SENT,
        outcome=result,
        reply=attempt.part.reply,
        part=attempt.part.ordinal,
        parts=attempt.of,
        number=attempt.number,
        attempt=attempt.attempt,
        provider_sid=sid,
        failure=outcome.failure.code if isinstance(outcome, Refused) else None,
        code=outcome.code if isinstance(outcome, Refused) else None,
    )


def _trace_report(event: PartReported, moved: Reported) -> None:
    """Tell of the wait for a report in the message's own trace, and let the two lead to each other."""
    waited(
        "await report",
        moved.accepted_at or moved.now,
        parent=moved.trace,
        links=(trace_headers(),),
        trunkline__message_sid=event.provider_sid,
        trunkline__status=event.status,
    )
    link(moved.trace)


def _tell_report(event: PartReported, moved: Reported) -> None:
    if moved.first and has_left(moved.after) and not has_left(moved.before):
        observe(HOP_ANSWER, max(0.0, (moved.now - moved.received_at).total_seconds()))
    MESSAGES.labels("twilio", "whatsapp", "outbound", moved.after).inc()
    log.info(
        PART_REPORTED,
        thread=moved.thread,
        provider_sid=event.provider_sid,
        status=event.status,
        state=moved.after,
        code=event.error_code,
    )
