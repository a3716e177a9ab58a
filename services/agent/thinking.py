"""What an agent thinks with, and how a turn comes to its answer, or to what is said in its place."""

import asyncio
from dataclasses import dataclass, field

from services.agent.actions import Actions
from services.agent.budget import Budget, Purse, Spender, Unlimited
from services.agent.llm_port import Candidate, Model
from services.agent.loop import Answer, Loop
from services.agent.loop_guard import is_automatic
from services.agent.mcp_tools import McpTools
from services.agent.media.attachments import Attachments
from services.agent.media.seen import Seen
from services.agent.media.vision import Vision
from services.agent.memory import Memory
from services.agent.meter import Meter
from services.agent.pipelines import Course, Run
from services.agent.sentences import Sentence, sentence
from services.agent.store import ToolLedger, Turns, Work
from services.agent.tools import Passages, Shop, Tool, ToolContext
from shared.bus import Bus
from shared.failures import (
    CONVERSATION_BUDGET_SPENT,
    DAY_BUDGET_SPENT,
    LOOP_NOTICED,
    MEDIA_UNHEARD,
    MEDIA_UNREADABLE,
    MEDIA_UNSEEN,
    MESSAGE_BUDGET_SPENT,
    SILENCED,
    TURN_CRASHED,
    TURN_TIMED_OUT,
    Failure,
    GatewayError,
)

_WORDS = {
    MESSAGE_BUDGET_SPENT: Sentence.MESSAGE_TOO_LONG,
    CONVERSATION_BUDGET_SPENT: Sentence.CONVERSATION_SPENT,
    DAY_BUDGET_SPENT: Sentence.DAY_SPENT,
    LOOP_NOTICED: Sentence.LOOPING,
    MEDIA_UNREADABLE: Sentence.MEDIA_UNREADABLE,
    MEDIA_UNHEARD: Sentence.MEDIA_UNHEARD,
    MEDIA_UNSEEN: Sentence.MEDIA_UNSEEN,
}
"""What a person is told of a failure, where it is more than the apology."""

_HEARD = 5
"""Messages of the person's by which their language is known."""

_MOST_ATTEMPTS = 5
"""Runs of one turn that may die before the person gets an apology."""


@dataclass
class Thinking:
    """
    The collaborators of a turn. `room`: turns that run here at the same time. `actions`: None where nothing calls out.

    `fallback`: who is asked where the model fails; an agent may name another model of it. `most_answer`: tokens of an answer.
    `attachments`: who looks at what came with messages. `vision`: which models see pictures.
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
    attachments: Attachments | None = None
    vision: Vision = field(default_factory=Vision)

    async def think(self, work: Work) -> tuple[Answer, Course, Failure | None]:
        """
        Return the answer, or what is said in its place and why, and how the turn went.

        Nothing is said to another automatic service for a while.
        """
        if work.is_silent:
            return Answer(""), Course(), SILENCED
        if work.attempts > _MOST_ATTEMPTS:
            return await _said(work, TURN_CRASHED), Course(), TURN_CRASHED
        if work.is_busy and is_automatic(await self.turns.exchanges(work)):
            return await _said(work, LOOP_NOTICED), Course(), LOOP_NOTICED
        purse = Purse(self.budget, _spender(work), self.most_answer, self.meter)
        run = await self._prepared(work, purse)
        try:
            async with asyncio.timeout(self.run_limit):
                seen = await self._seen(work)
                run.see(seen, await self._memory(work, purse).recall(work.history))
                return await run.answer(), run.course, None
        except TimeoutError:
            failure = TURN_TIMED_OUT
        except GatewayError as error:
            failure = error.failure
        return await _said(work, failure, run.steps), run.course, failure

    async def _seen(self, work: Work) -> Seen:
        """Return what is asked, with what came with it."""
        return (
            await self.attachments.look(work) if work.attached and self.attachments else Seen(work.asked, work.question)
        )

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
        return Run(work.pipeline.document, work.setup, loop, purse.tally, [], work.question, vision=self.vision)

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


async def _said(work: Work, failure: Failure, steps: int = 0) -> Answer:
    """Return what the person is told of a failure, in their language."""
    texts = [str(said["content"]) for said in (*work.history.told(), *work.asked) if said["role"] == "user"]
    return Answer(await sentence(_WORDS.get(failure, Sentence.APOLOGY), texts[-_HEARD:]), steps=steps)


def _spender(work: Work) -> Spender:
    return Spender(work.claim.tenant, work.conversation, work.turn, work.limits)
