"""
A thread wants its agent: claim it, run the turn, leave the reply; and again while there is more.

What a person writes while their turn runs belongs to it: the turn starts over with all of it, under its old id.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from services.agent.actions import Actions
from services.agent.budget import Budget, Purse, Spender, Unlimited
from services.agent.language import Sentence, sentence
from services.agent.llm_port import Candidate, Model
from services.agent.loop import Answer, Loop
from services.agent.loop_guard import is_automatic
from services.agent.mcp_tools import McpTools
from services.agent.memory import Memory
from services.agent.meter import Meter
from services.agent.pipelines import Course, Run
from services.agent.store import Claim, Committed, ToolLedger, Turns, Work
from services.agent.tools import Passages, Shop, Tool, ToolContext
from shared import faultpoints
from shared.bus import Bus, BusUnavailable, Delivery
from shared.events import ConversationHandedOff, ReplyReady, TurnInterrupted, TurnRefused, TurnRequested, TurnRunning
from shared.failures import (
    CONVERSATION_BUDGET_SPENT,
    DAY_BUDGET_SPENT,
    LOOP_NOTICED,
    MESSAGE_BUDGET_SPENT,
    SILENCED,
    TURN_CRASHED,
    TURN_TIMED_OUT,
    Failure,
    GatewayError,
)
from shared.fairness import FairWork
from shared.faultpoints import Step
from shared.ids import ReplyId, TenantId, ThreadKey
from shared.metrics import HOP_TURN, TURNS_REFUSED, TURNS_RUNNING, timed
from shared.telemetry import (
    CONVERSATION_HANDED_OFF,
    TURN_FINISHED,
    TURN_LOST,
    TURN_REFUSED,
    TURN_RESTARTED,
    log,
    span,
    waited,
)
from shared.topology import (
    OUT,
    handed_off_subject,
    out_subject,
    turn_interrupted_subject,
    turn_refused_subject,
    turn_running_subject,
)

APOLOGY = sentence(Sentence.APOLOGY)

_WORDS = {
    MESSAGE_BUDGET_SPENT: Sentence.MESSAGE_TOO_LONG,
    CONVERSATION_BUDGET_SPENT: Sentence.CONVERSATION_SPENT,
    DAY_BUDGET_SPENT: Sentence.DAY_SPENT,
    LOOP_NOTICED: Sentence.LOOPING,
}
"""What a person is told of a failure, where it is more than the apology."""

_HEARD = 5
"""Messages of the person's by which their language is known."""

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
    """
    The collaborators of a turn. `room`: turns that run here at the same time. `actions`: None where nothing calls out.

    `fallback`: who is asked where the model fails; an agent may name another model of it. `most_answer`: tokens of an answer.
    """

    bus: Bus
    turns: Turns
    model: Model
    knowledge: Passages
    most_steps: int
    run_limit: float
    room: int = 32
    budget: Budget = field(default_factory=Unlimited)
    actions: Actions | None = None
    shop: Shop | None = None
    servers: McpTools | None = None
    fallback: Candidate | None = None
    most_answer: int = 2000
    meter: Meter = field(default_factory=Meter)
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
            answer, course, failure = await self._think(work)
            committed = await self.turns.commit(work, answer, course, failure)
            opened.set_attribute("gen_ai.usage.input_tokens", course.input_tokens)
            opened.set_attribute("gen_ai.usage.output_tokens", course.output_tokens)
            if failure is not None:
                opened.set_attribute("error.type", failure.code)
                await self._tell_refused(work, failure)
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
        """
        Return the answer, or what is said in its place and why, and how the turn went.

        Nothing is said to another automatic service for a while.
        """
        if work.is_silent:
            return Answer(""), Course(), SILENCED
        if work.attempts > _MOST_ATTEMPTS:
            return _said(work, TURN_CRASHED), Course(), TURN_CRASHED
        if work.is_busy and is_automatic(await self.turns.exchanges(work)):
            return _said(work, LOOP_NOTICED), Course(), LOOP_NOTICED
        purse = Purse(self.budget, _spender(work), self.most_answer, self.meter)
        run = await self._prepared(work, purse)
        try:
            async with asyncio.timeout(self.run_limit):
                run.said = [*await self._memory(work, purse).recall(work.history), *work.asked]
                return await run.answer(), run.course, None
        except TimeoutError:
            failure = TURN_TIMED_OUT
        except GatewayError as error:
            failure = error.failure
        return _said(work, failure, run.steps), run.course, failure

    async def _prepared(self, work: Work, purse: Purse) -> Run:
        """Return a turn's way through its pipeline, at its beginning."""
        loop = Loop(
            models=self._models(work),
            tools=await self.tools(work),
            ledger=ToolLedger(self.turns, work),
            context=lambda call: ToolContext(
                work.claim.tenant, work.agent, work.conversation, work.turn, call, self.turns, self.knowledge, self.shop
            ),
            most_steps=self.most_steps,
            user=work.conversation,
            spend=purse.spend,
        )
        return Run(work.pipeline.document, work.setup, loop, purse.tally, [], work.question)

    def _memory(self, work: Work, purse: Purse) -> Memory:
        async def keep(summary: str, seq: int) -> None:
            await self.turns.keep_summary(work, summary, seq)

        return Memory(self._models(work)[0], purse.spend, keep, work.conversation)

    def _models(self, work: Work) -> tuple[Candidate, ...]:
        """Return who is asked, and who after that."""
        first, named = Candidate(self.model, work.setup.model), work.setup.fallback
        if named is not None:
            return first, Candidate(self.fallback.model if self.fallback else self.model, named)
        return (first, self.fallback) if self.fallback else (first,)

    async def tools(self, work: Work) -> tuple[Tool, ...]:
        """Return what a turn's model is offered."""
        return (*work.setup.tools, *await self._actions(work))

    async def _actions(self, work: Work) -> tuple[Tool, ...]:
        """Return the tenant's own tools; a built-in one's name is never theirs."""
        own: list[Tool] = []
        if self.actions is not None and work.has_actions:
            own += await self.actions.offered(work)
        if self.servers is not None and work.has_servers:
            own += await self.servers.offered(work)
        named = {tool.name: tool for tool in reversed(own)}
        taken = {tool.name for tool in work.setup.tools}
        return tuple(tool for name, tool in reversed(named.items()) if name not in taken)

    async def _tell_refused(self, work: Work, failure: Failure) -> None:
        """Tell whoever watches of a limit that ended a turn."""
        if not failure.is_meant:
            return
        tenant = work.claim.scope[0]
        log.warning(TURN_REFUSED, turn=work.turn, conversation=work.conversation, reason=failure.code)
        TURNS_REFUSED.labels(failure.code).inc()
        refused = TurnRefused(tenant=tenant, thread=work.claim.thread, reason=failure.code)
        with suppress(Exception):
            await self.bus.announce(turn_refused_subject(tenant, work.claim.thread), refused)

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


def _said(work: Work, failure: Failure, steps: int = 0) -> Answer:
    """Return what the person is told of a failure, in their language."""
    texts = [str(said["content"]) for said in (*work.history.told(), *work.asked) if said["role"] == "user"]
    return Answer(sentence(_WORDS.get(failure, Sentence.APOLOGY), texts[-_HEARD:]), steps=steps)


def _spender(work: Work) -> Spender:
    return Spender(work.claim.tenant, work.conversation, work.turn, work.limits)
