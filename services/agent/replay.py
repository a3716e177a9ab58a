"""
Runs a stored turn again, for whoever wants to know what another model would have answered.

Nothing is sent or stored, and no tool runs: a call gets the result that was recorded for it, or, where the model words it
otherwise, the one of the same tool.
"""

import asyncio
from dataclasses import dataclass

from psycopg.rows import DictRow

from services.agent.budget import Limits, Purse, Spender
from services.agent.handlers import Agent
from services.agent.llm_port import Candidate, ToolRequest
from services.agent.loop import Answer, Loop
from services.agent.pipelines import Course, Run
from services.agent.store import Turns, Work
from services.agent.tools import Result, ToolContext
from shared.events import ReplayRequested, TurnReplayed
from shared.failures import TURN_TIMED_OUT, Failure, GatewayError
from shared.ids import TenantId, TurnId, new_id
from shared.store.sealed import TOOL_RESULT

_NOT_RECORDED = "Not run: this is a repetition of an earlier turn, and no result was recorded for this tool."


@dataclass(frozen=True)
class Recorded:
    """The tool calls of a turn that has ended."""

    results: dict[str, Result]
    by_name: dict[str, Result]

    async def recall(self, request: ToolRequest) -> Result:
        """Return what was recorded. There always is an answer, so that nothing is ever run."""
        return self.results.get(request.key) or self.by_name.get(request.name) or Result(_NOT_RECORDED)

    async def remember(self, step: int, request: ToolRequest, result: Result) -> None:
        """Keep nothing."""


@dataclass(frozen=True)
class Replays:
    """Runs them, by the agent's own means and within its limits."""

    agent: Agent
    turns: Turns

    async def on_replay_requested(self, wanted: ReplayRequested) -> TurnReplayed:
        """Answer what the turn comes to now, or why it does not."""
        try:
            async with asyncio.timeout(self.agent.run_limit):
                answer, course = await self._run(wanted)
        except TimeoutError:
            return _failed(wanted, TURN_TIMED_OUT)
        except GatewayError as error:
            return _failed(wanted, error.failure)
        replayed = TurnReplayed(
            tenant=wanted.tenant,
            turn=wanted.turn,
            model=answer.model,
            steps=answer.steps,
            input_tokens=course.input_tokens,
            output_tokens=course.output_tokens,
        )
        sealed = self.turns.vault.seal_text(answer.text, replayed.seal_context)
        return replayed.model_copy(update={"sealed": sealed})

    async def _run(self, wanted: ReplayRequested) -> tuple[Answer, Course]:
        """Take the way through the version of the pipeline that the turn recorded."""
        work = await self.turns.load_again(wanted.tenant, wanted.turn)
        limits = Limits(message=work.limits.message, day=work.limits.day)
        spender = Spender(wanted.tenant, work.conversation, TurnId(new_id("tu")), limits)
        purse = Purse(self.agent.budget, spender, self.agent.most_answer, self.agent.meter)
        loop = Loop(
            models=[Candidate(self.agent.model, wanted.model or work.setup.model)],
            tools=await self.agent.tools(work),
            ledger=await self._recorded(work),
            context=lambda call: _context(self.agent, work, call),
            most_steps=self.agent.most_steps,
            user=work.conversation,
            spend=purse.spend,
        )
        said = [*work.history.told(), *work.asked]
        named = wanted.model is not None
        run = Run(work.pipeline.document, work.setup, loop, purse.tally, said, work.question, keeps_model=named)
        return await run.answer(), run.course

    async def _recorded(self, work: Work) -> Recorded:
        tenant = work.claim.tenant
        async with self.turns.store.connection(tenant) as connection:
            cursor = await connection.execute(
                """
                select call, name, sealed_result from tool_call
                where turn_id = %s and sealed_result is not null order by step desc, created_at desc
                """,
                (work.turn,),
            )
            rows = await cursor.fetchall()
        results = {row["call"]: self._opened(tenant, work.turn, row) for row in rows}
        return Recorded(results, {row["name"]: results[row["call"]] for row in rows})

    def _opened(self, tenant: TenantId, turn: TurnId, row: DictRow) -> Result:
        return Result(self.turns.vault.open(row["sealed_result"], TOOL_RESULT.at(tenant, turn, row["call"])).decode())


def _context(agent: Agent, work: Work, call: str) -> ToolContext:
    return ToolContext(work.claim.tenant, work.agent, work.conversation, work.turn, call, agent.turns, agent.knowledge)


def _failed(wanted: ReplayRequested, failure: Failure) -> TurnReplayed:
    return TurnReplayed(tenant=wanted.tenant, turn=wanted.turn, failure=failure.code)
