"""
A thread wants its agent: claim it, run the turn, leave the reply; and again while there is more.

What a person writes while their turn runs belongs to it: the turn starts over with all of it, under its old id.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from services.agent.announcements import tell_handoff, tell_owner, tell_refused, tell_reply, tell_running
from services.agent.sentences import APOLOGY
from services.agent.store import Claim, Committed
from services.agent.thinking import Thinking
from shared.bus import Delivery
from shared.events import TurnInterrupted, TurnRequested
from shared.failures import GatewayError
from shared.fairness import FairWork
from shared.ids import TenantId, ThreadKey
from shared.metrics import HOP_TURN, TURNS_RUNNING, timed
from shared.process import end_all
from shared.telemetry import TURN_FINISHED, TURN_LOST, TURN_RESTARTED, log, span, waited

_RENEW_EVERY = 5.0
_RENEW_RETRY = 1.0
_LEASE_MARGIN = 12.0
"""Seconds without a renewal after which a turn gives itself up: before its lease of 15 s ends."""

_TYPING_EVERY = 20.0
_SWEEP_EVERY, _SWEEP_AFTER = 1.0, 2.0


@dataclass
class Agent(Thinking):
    """Runs the turns of threads."""

    _running: dict[ThreadKey, asyncio.Event] = field(default_factory=dict)
    """The turns that run here; an event set makes its turn look at the thread at once."""

    def __post_init__(self) -> None:
        self.threads = FairWork(self.room, self.turns.due, self.answer, every=_SWEEP_EVERY, patience=_SWEEP_AFTER)

    async def on_turn_requested(self, event: TurnRequested, _delivery: Delivery) -> None:
        """Answer what the thread asks, or tell whoever is at it that there is more."""
        self._interrupt(event.thread)
        self.threads.hint(event.tenant, event.thread)

    async def on_turn_interrupted(self, event: TurnInterrupted) -> None:
        """Let a turn that runs here look whether it was cancelled, or was asked more."""
        self._interrupt(event.thread)

    async def answer(self, tenant: TenantId, thread: ThreadKey) -> None:
        """Run the thread's turns until none is due."""
        claim = await self.turns.claim(tenant, thread)
        if claim is None:
            await tell_owner(self.bus, tenant, thread)
        while claim is not None:
            with structlog.contextvars.bound_contextvars(tenant=tenant, thread=thread):
                ended = await self._hold(claim)
            if ended is not None and ended.reply is not None:
                await tell_reply(self.bus, tenant, thread, ended.reply)
            claim = await self.turns.claim(tenant, thread) if ended is None or ended.more else None

    async def _hold(self, claim: Claim) -> Committed | None:
        """Run a turn until it is answered or lost (None), and from its start again when more was asked meanwhile."""
        self._running[claim.thread] = asyncio.Event()
        try:
            now: Claim | Committed | None = claim
            while isinstance(now, Claim):
                now = await self._attempt(now)
        except BaseException:
            await self._give_back(claim)
            raise
        finally:
            del self._running[claim.thread]
        return now

    async def _attempt(self, claim: Claim) -> Claim | Committed | None:
        """Run a turn while its lease is kept. Returns its end, or what it shall answer now; None once it is lost."""
        run = asyncio.create_task(self._run(claim))
        keeper = asyncio.create_task(self._keep(claim))
        try:
            await asyncio.wait({run, keeper}, return_when=asyncio.FIRST_COMPLETED)
            return (run.result() or await self._standing(claim)) if run.done() else keeper.result()
        finally:
            await end_all([run, keeper])

    async def _standing(self, claim: Claim) -> Claim | None:
        """Return the claim as it stands now; None when it was lost."""
        held = await self.turns.renew(claim)
        if held is None:
            log.warning(TURN_LOST, fence=claim.fence)
        elif held != claim:
            log.info(TURN_RESTARTED, fence=claim.fence, upto_seq=held.asked_seq)
        return held

    async def _give_back(self, claim: Claim) -> None:
        with suppress(Exception):  # the lease ends by itself where the database is away
            await self.turns.release(claim)

    async def _keep(self, claim: Claim) -> Claim | None:
        """Renew the lease, and the typing dots, until the claim is lost (None) or has changed."""
        loop = asyncio.get_running_loop()
        renewed = told = loop.time()
        await tell_running(self.bus, claim)
        while loop.time() - renewed <= _LEASE_MARGIN:
            await self._interrupted(
                claim.thread, _RENEW_EVERY if loop.time() - renewed < _RENEW_EVERY else _RENEW_RETRY
            )
            with suppress(Exception):
                held = await self._standing(claim)
                if held != claim:
                    return held
                renewed = loop.time()
            if loop.time() - told >= _TYPING_EVERY:
                told = loop.time()
                await tell_running(self.bus, claim)
        log.warning(TURN_LOST, fence=claim.fence)
        return None

    def _interrupt(self, thread: ThreadKey) -> None:
        if thread in self._running:
            self._running[thread].set()

    async def _interrupted(self, thread: ThreadKey, seconds: float) -> None:
        """Wait for an interruption, at most so long."""
        interruption = self._running[thread]
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await interruption.wait()
        interruption.clear()

    async def _run(self, claim: Claim) -> Committed | None:
        """Work on a turn; None when its answer came too late to count."""
        try:
            work = await self.turns.load(claim)
        except GatewayError as error:
            return await self.turns.give_up(claim, APOLOGY, error.failure.code)
        if claim.due_at is not None:
            waited("wait turn", claim.due_at, parent=work.traces[-1])
        with (
            TURNS_RUNNING.track_inprogress(),
            span(
                f"invoke_agent {work.agent_name}",
                parent=work.traces[-1],
                links=work.traces[:-1],
                gen_ai__operation__name="invoke_agent",
                gen_ai__provider__name="openai",
                gen_ai__agent__id=work.agent,
                gen_ai__agent__name=work.agent_name,
                gen_ai__conversation__id=work.conversation,
                trunkline__turn=work.turn,
            ) as opened,
            timed(HOP_TURN),
        ):
            if work.is_handed_off:
                return await self.turns.keep_silent(work)
            answer, course, failure = await self.think(work)
            committed = await self.turns.commit(work, answer, course, failure)
            opened.set_attribute("gen_ai.usage.input_tokens", course.input_tokens)
            opened.set_attribute("gen_ai.usage.output_tokens", course.output_tokens)
            if failure is not None:
                opened.set_attribute("error.type", failure.code)
                await tell_refused(self.bus, work, failure)
            log.info(
                TURN_FINISHED,
                committed=committed is not None,
                turn=work.turn,
                conversation=work.conversation,
                failure=failure.code if failure else None,
                attempts=work.attempts,
                pipeline=work.pipeline.name,
                version=work.pipeline.version,
                steps=answer.steps,
                input_tokens=course.input_tokens,
                output_tokens=course.output_tokens,
                handed_off=course.handed_off,
            )
        if committed is not None and course.handed_off:
            await tell_handoff(self.bus, work)
        return committed
