"""
A thread wants its agent: claim it, run the turn, leave the reply; and again while there is more.

What a person writes while their turn runs belongs to it: the turn starts over with all of it, under its old id.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from services.agent.actions import Actions
from services.agent.budget import Budget, Unlimited
from services.agent.llm import Model
from services.agent.loop import Answer, Loop
from services.agent.pipelines import Course, Metered, Run
from services.agent.prices import Prices
from services.agent.store import Claim, Committed, ToolLedger, Turns, Work
from services.agent.tools import Passages, Tool, ToolContext
from shared import faultpoints
from shared.bus import Bus, BusUnavailable, Delivery
from shared.events import ConversationHandedOff, ReplyReady, TurnInterrupted, TurnRequested, TurnRunning
from shared.failures import TURN_CRASHED, TURN_TIMED_OUT, Failure, GatewayError
from shared.fairness import FairWork
from shared.faultpoints import Step
from shared.ids import ReplyId, TenantId, ThreadKey
from shared.telemetry import (
    CONVERSATION_HANDED_OFF,
    HOP_TURN,
    HOPS,
    TURN_FINISHED,
    TURN_LOST,
    TURN_RESTARTED,
    TURNS_RUNNING,
    log,
    span,
)
from shared.topology import OUT, handed_off_subject, out_subject, turn_interrupted_subject, turn_running_subject

APOLOGY = "Sorry, I could not work out an answer just now. Please try again in a moment."

_RENEW_EVERY = 5.0
_RENEW_RETRY = 1.0
_LEASE_MARGIN = 12.0
"""Seconds without a renewal after which a turn gives itself up: before its lease of 15 s ends."""

_TYPING_EVERY = 20.0
_SWEEP_EVERY, _SWEEP_AFTER = 1.0, 2.0
_MOST_ATTEMPTS = 5
"""Runs of one turn that may die before the person gets an apology."""


@dataclass
class Agent:
    """The collaborators of a turn. `room`: turns that run here at the same time. `actions`: None where nothing calls out."""

    bus: Bus
    turns: Turns
    model: Model
    knowledge: Passages
    most_steps: int
    run_limit: float
    room: int = 32
    budget: Budget = field(default_factory=Unlimited)
    actions: Actions | None = None
    prices: Prices = field(default_factory=dict)
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
            await self._tell_owner(tenant, thread)
        while claim is not None:
            with structlog.contextvars.bound_contextvars(tenant=tenant, thread=thread):
                ended = await self._hold(claim)
            if ended is not None and ended.reply is not None:
                await self._hint(tenant, thread, ended.reply)
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
            run.cancel()
            keeper.cancel()
            await asyncio.wait({run, keeper})

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
        await self._announce(claim)
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
                await self._announce(claim)
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
        with (
            TURNS_RUNNING.track_inprogress(),
            HOPS.labels(HOP_TURN).time(),
            span(
                "invoke_agent",
                parent=work.traces[-1],
                links=work.traces[:-1],
                gen_ai__operation__name="invoke_agent",
                gen_ai__conversation__id=work.conversation,
                trunkline__turn=work.turn,
            ),
        ):
            if work.is_handed_off:
                return await self.turns.keep_silent(work)
            answer, course, failure = await self._think(work)
            committed = await self.turns.commit(work, answer, course, failure.code if failure else None)
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
            await self._tell_handoff(work)
        return committed

    async def _think(self, work: Work) -> tuple[Answer, Course, Failure | None]:
        """Return the answer, or the apology and why; and how the turn went."""
        if work.attempts > _MOST_ATTEMPTS:
            return Answer(APOLOGY), Course(), TURN_CRASHED
        run = await self._prepared(work)
        try:
            async with asyncio.timeout(self.run_limit):
                return await run.answer(), run.course, None
        except TimeoutError:
            return Answer(APOLOGY, steps=run.steps), run.course, TURN_TIMED_OUT
        except GatewayError as error:
            return Answer(APOLOGY, steps=run.steps), run.course, error.failure

    async def _prepared(self, work: Work) -> Run:
        """Return a turn's way through its pipeline, at its beginning."""
        meter = Metered(self.model, self.prices)
        loop = Loop(
            model=meter,
            tools=(*work.setup.tools, *await self._actions(work)),
            ledger=ToolLedger(self.turns, work),
            context=lambda call: ToolContext(
                work.claim.tenant, work.agent, work.conversation, work.turn, call, self.turns, self.knowledge
            ),
            most_steps=self.most_steps,
            model_name=work.setup.model,
            user=work.conversation,
            reserve=lambda said: self.budget.reserve(work.claim.tenant, work.conversation, work.turn, said),
        )
        return Run(work.pipeline.document, work.setup, loop, meter, list(work.messages), work.asked)

    async def _actions(self, work: Work) -> tuple[Tool, ...]:
        """Return the tenant's own tools; a built-in one's name is never theirs."""
        if self.actions is None or not work.has_actions:
            return ()
        taken = {tool.name for tool in work.setup.tools}
        return tuple(tool for tool in await self.actions.offered(work) if tool.name not in taken)

    async def _announce(self, claim: Claim) -> None:
        with suppress(Exception):
            tenant = claim.scope[0]
            await self.bus.announce(
                turn_running_subject(tenant, claim.thread), TurnRunning(tenant=tenant, thread=claim.thread)
            )

    async def _tell_handoff(self, work: Work) -> None:
        """Tell whoever listens that a person has to go on with a conversation; the console's tables say so, too."""
        tenant, conversation = work.claim.tenant, work.conversation
        log.info(CONVERSATION_HANDED_OFF, conversation=conversation, turn=work.turn)
        with suppress(Exception):
            handed = ConversationHandedOff(tenant=tenant, conversation=conversation)
            await self.bus.announce(handed_off_subject(tenant, conversation), handed)

    async def _tell_owner(self, tenant: TenantId, thread: ThreadKey) -> None:
        """Tell whichever process runs this thread's turn that it was asked more."""
        with suppress(Exception):  # it finds out when it commits
            interrupted = TurnInterrupted(tenant=tenant, thread=thread)
            await self.bus.announce(turn_interrupted_subject(tenant, thread), interrupted)

    async def _hint(self, tenant: TenantId, thread: ThreadKey, reply: ReplyId) -> None:
        ready = ReplyReady(tenant=tenant, thread=thread, reply_id=reply)
        faultpoints.before(Step.AGENT_HINT)
        with suppress(BusUnavailable):  # only a hint: egress sweeps
            await self.bus.publish(OUT, out_subject(tenant, thread), ready, message_id=f"reply:{reply}")
        faultpoints.after(Step.AGENT_HINT)
