"""Tries a pipeline's document out on a stored conversation: nothing is sent or written, and what has a side effect is not done."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import orjson
from psycopg.rows import DictRow

from services.agent.budget import Limits, Purse, Spender
from services.agent.handlers import Agent
from services.agent.llm_port import Candidate, Said, ToolRequest
from services.agent.loop import Answer, Loop
from services.agent.mcp_tools import described
from services.agent.pipelines import Run, Setup, Sys
from services.agent.tools import TOOLS, Equipment, Result, Tool, ToolContext
from shared.actions import Parameters
from shared.events import TrialEnded, TrialRequested, TrialResult
from shared.failures import NOTHING_ASKED, PIPELINE_UNFIT, TURN_TIMED_OUT, Failure, GatewayError
from shared.ids import AgentId, ConversationId, TenantId, TurnId, new_id
from shared.media.contents import with_contents
from shared.media.kept import kept
from shared.pipelines import NotAPipeline, read_pipeline
from shared.store.sealed import MESSAGE_TEXT, REPLY_BODY
from shared.store.session import Store
from shared.vault import Vault

_NOT_RUN = "Not run: this is a trial. Go on as if it had been done."
_TRIAL = TurnId("trial")

_CONVERSATION = """
select agent.id as agent, agent.instructions, agent.model, agent.memory, conversation.channel, tenant.name as tenant, email,
       now() as now, daily_tokens,
       exists (select from knowledge_document where agent_id = agent.id and generation > 0) as documents,
       exists (select from data_source where tenant_id = tenant.id and kind = 'product' and items > 0) as products,
       exists (select from data_source where tenant_id = tenant.id and kind = 'listing' and items > 0) as listings,
       exists (
         select from data_source where tenant_id = tenant.id and kind = 'order' and (items > 0 or origin in ('woocommerce', 'endpoint'))
       ) as orders
from conversation join agent on agent.id = conversation.agent_id join tenant on tenant.id = conversation.tenant_id
left join app_user on app_user.id = conversation.user_id
where conversation.id = %(conversation)s
"""
_SPOKEN = """
with newest as (
  select max(seq) as seq from message
  where conversation_id = %(conversation)s and outcome = 'asked' and sealed_text is not null
)
select * from (
  select 'user' as role, message.seq, 0 as side, id::text as place, sealed_text as sealed, sealed_contents, 0::bigint as rank
  from message, newest
  where conversation_id = %(conversation)s and message.seq <= newest.seq and outcome = 'asked' and sealed_text is not null
  union all
  select 'assistant', after_seq, 1, public_id, sealed_body, null, id from reply, newest
  where conversation_id = %(conversation)s and after_seq < newest.seq and turn_id is not null and sealed_body is not null
) spoken order by seq desc, side desc, rank desc limit %(memory)s + 1
"""
"""The newest message that the agent was asked, and as much before it as the agent remembers; the newest first."""
_ACTIONS = "select name, description, parameters from action where tenant_id = %s and enabled order by name limit %s"
_MOST_ACTIONS = 64


class _NoLedger:
    """Remembers nothing."""

    async def recall(self, request: ToolRequest) -> Result | None:
        """Know of no call."""

    async def remember(self, step: int, request: ToolRequest, result: Result) -> None:
        """Keep nothing."""


@dataclass(frozen=True)
class Playground:
    """Runs trials, by the agent's own means and within its limits and its tenants' days."""

    agent: Agent
    store: Store
    vault: Vault

    async def on_trial_requested(self, event: TrialRequested) -> TrialEnded:
        """Run a document against a conversation, within a turn's time."""
        ended = TrialEnded(tenant=event.tenant, trial=event.trial)
        try:
            async with asyncio.timeout(self.agent.run_limit):
                result = await self._tried(event)
        except TimeoutError:
            return _failed(ended, TURN_TIMED_OUT)
        except NotAPipeline:
            return _failed(ended, PIPELINE_UNFIT)
        except GatewayError as error:
            return _failed(ended, error.failure)
        sealed = self.vault.seal_text(result.model_dump_json(), ended.seal_context)
        return ended.model_copy(update={"sealed": sealed})

    async def _tried(self, event: TrialRequested) -> TrialResult:
        document = read_pipeline(event.document)
        found, said = await self._read(event.tenant, event.conversation)
        told: list[str] = []
        equipment = Equipment(found["documents"], found["products"], found["listings"], found["orders"])
        built_in = [tool for tool in TOOLS if tool.suits(equipment)]
        tools = [_dry(tool, told) for tool in (*built_in, *await self._elsewhere(event.tenant))]
        facts = Sys(found["channel"], found["tenant"], found["email"] or "")
        setup = Setup(found["instructions"], found["model"], facts, found["now"], tuple(tools))
        spender = Spender(event.tenant, event.conversation, TurnId(new_id("tu")), Limits(day=found["daily_tokens"]))
        purse = Purse(self.agent.budget, spender, self.agent.most_answer, self.agent.meter)
        loop = self._loop(event, AgentId(found["agent"]), setup, purse)
        run = Run(document, setup, loop, purse.tally, said, said[-1]["content"])
        return _result(await run.answer(), run, told)

    def _loop(self, event: TrialRequested, agent: AgentId, setup: Setup, purse: Purse) -> Loop:
        def context(call: str) -> ToolContext:
            nobody: Any = None
            known = self.agent.knowledge, self.agent.shop
            return ToolContext(event.tenant, agent, event.conversation, _TRIAL, call, nobody, *known)

        return Loop(
            models=[Candidate(self.agent.model, setup.model)],
            tools=setup.tools,
            ledger=_NoLedger(),
            context=context,
            most_steps=self.agent.most_steps,
            user=event.conversation,
            spend=purse.spend,
        )

    async def _elsewhere(self, tenant: TenantId) -> list[Tool]:
        """Return the tenant's own tools and those of its servers, to be told of: what happens elsewhere is not for trials."""

        async def nothing(_arguments: Any, _context: ToolContext) -> str:  # noqa: ANN401 - whatever the tool takes
            return _NOT_RUN

        async with self.store.connection(tenant) as connection:
            rows = await (await connection.execute(_ACTIONS, (tenant, _MOST_ACTIONS))).fetchall()
        remote = await self.agent.servers.remote(tenant) if self.agent.servers is not None else []
        return [
            *(Tool(it["name"], it["description"], Parameters(it["parameters"]), nothing) for it in rows),
            *(described(tool, nothing) for _, tool in remote),
        ]

    async def _read(self, tenant: TenantId, conversation: ConversationId) -> tuple[DictRow, list[Said]]:
        """Return a conversation's agent, and what was said up to the newest message. Raises GatewayError: NOTHING_ASKED."""
        async with self.store.connection(tenant) as connection:
            facts: dict[str, Any] = {"conversation": conversation}
            found = await (await connection.execute(_CONVERSATION, facts)).fetchone()
            if found is None:
                raise GatewayError(NOTHING_ASKED)
            rows = await (await connection.execute(_SPOKEN, {**facts, "memory": found["memory"]})).fetchall()
        if not rows:
            raise GatewayError(NOTHING_ASKED)
        return found, [self._said(tenant, row) for row in reversed(rows)]

    def _said(self, tenant: TenantId, row: DictRow) -> Said:
        if row["role"] == "user":
            text = self.vault.open(row["sealed"], MESSAGE_TEXT.at(tenant, row["place"])).decode()
            return {"role": "user", "content": with_contents(text, kept(self.vault, tenant, row))}
        body = orjson.loads(self.vault.open(row["sealed"], REPLY_BODY.at(tenant, row["place"])))
        return {"role": "assistant", "content": body["markdown"]}


def _dry(tool: Tool, told: list[str]) -> Tool:
    """Return a tool that does nothing, where it would have a side effect, but tell that it was called."""
    if not tool.has_side_effect:
        return tool

    async def tell(_arguments: Any, _context: ToolContext) -> str:  # noqa: ANN401 - whatever the tool takes
        told.append(tool.name)
        return _NOT_RUN

    return replace(tool, run=tell)


def _failed(ended: TrialEnded, failure: Failure) -> TrialEnded:
    return ended.model_copy(update={"failure": failure.code})


def _result(answer: Answer, run: Run, told: list[str]) -> TrialResult:
    course = run.course
    return TrialResult(
        text=answer.text,
        sources=list(answer.sources),
        handed_off=course.handed_off,
        trail=list(course.trail),
        told=told,
        steps=run.steps,
        input_tokens=course.input_tokens,
        output_tokens=course.output_tokens,
        cost=course.cost,
        model=answer.model,
    )
