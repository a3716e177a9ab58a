"""A tenant's webhook actions as tools. What has a side effect happens once per (turn, call), whatever crashes or starts over."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

from psycopg.rows import DictRow

from services.agent.store import Work
from services.agent.tools import Tool, ToolContext, ToolFailed
from shared.actions import Action, Call, Outcome, Unfit, perform, prepare
from shared.actions.definition import open_secrets
from shared.failures import GatewayError
from shared.outbound import Guard
from shared.store.sealed import ATTEMPT_RESULT
from shared.store.session import Store
from shared.telemetry import ACTION_UNUSABLE, SIDE_EFFECT_LOST, log
from shared.vault import Vault

UNKNOWN = "Whether it happened is not known: the service may have done it. Do not try again; tell the person that it is not certain."
_WITHDRAWN = "Not run: the person withdrew the message, or wrote more."

_MOST_OFFERED = 64
_FINISH_LIMIT = 4.0
"""Seconds that side effects are given at the end of the process."""

_BEGIN = """
with held as (
  select 1 from thread where key = %(thread)s and fence = %(fence)s
),
begun as (
  insert into tool_attempt (turn_id, call, tenant_id, name)
  select %(turn)s, %(call)s, %(tenant)s, %(name)s from held on conflict (turn_id, call) do nothing returning 1
)
select exists (select 1 from held) as held, exists (select 1 from begun) as begun,
       (select sealed_result from tool_attempt where turn_id = %(turn)s and call = %(call)s) as sealed
"""
"""Writes down that a call is about to be made, by whoever holds the thread now; and reads how it ended before."""

_END = "update tool_attempt set sealed_result = %s, ended_at = now() where turn_id = %s and call = %s"


@dataclass
class Actions:
    """Offers actions and performs them."""

    store: Store
    vault: Vault
    guard: Guard
    _running: dict[str, asyncio.Task[str]] = field(default_factory=dict)
    """Side effects that are happening, by their keys. They go on when their turn is broken off, and whoever asks again waits."""

    async def offered(self, work: Work) -> tuple[Tool, ...]:
        """Return the tools of a turn's tenant. What cannot be used, because its key is gone, is left out."""
        async with self.store.connection(work.claim.tenant) as connection:
            cursor = await connection.execute(
                "select * from action where tenant_id = %s and enabled order by name limit %s",
                (work.claim.tenant, _MOST_OFFERED),
            )
            rows = await cursor.fetchall()
        return tuple(tool for row in rows if (tool := self._tool(row, work)) is not None)

    async def end(self) -> None:
        """Let what is happening come to its end; what does not is known to have begun."""
        if self._running:
            await asyncio.wait(self._running.values(), timeout=_FINISH_LIMIT)
        for task in list(self._running.values()):
            task.cancel()

    def _tool(self, row: DictRow, work: Work) -> Tool | None:
        try:
            secrets = open_secrets(self.vault, work.claim.tenant, row["id"], row["sealed_headers"])
            action = Action.of(row, secrets)
        except (GatewayError, Unfit) as error:
            log.warning(ACTION_UNUSABLE, action=row["id"], exc_info=error)
            return None

        async def run(arguments: dict[str, Any], context: ToolContext) -> str:
            key = f"{work.turn}:{context.call}"
            call = prepare(action, arguments, work.identity, key)
            if action.side_effect:
                return await self._once(key, lambda: self._happen(work, context.call, call))
            return _text(await perform(self.guard, call))

        return Tool(action.name, action.description, action.parameters, run)

    async def _once(self, key: str, happen: Callable[[], Coroutine[Any, Any, str]]) -> str:
        """Let a side effect happen, apart from the turn that asks for it; an equal call waits for the same one."""
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(happen())
            task.add_done_callback(lambda ended: self._ended(key, ended))
        return await asyncio.shield(task)

    def _ended(self, key: str, task: asyncio.Task[str]) -> None:
        del self._running[key]
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or (error is not None and not isinstance(error, ToolFailed)):
            log.warning(SIDE_EFFECT_LOST, exc_info=error)

    async def _happen(self, work: Work, name: str, call: Call) -> str:
        """Write down that it begins, call, write down how it ended. `name`: of the call within its turn."""
        facts = {
            "thread": work.claim.thread,
            "fence": work.claim.fence,
            "turn": work.turn,
            "call": name,
            "tenant": work.claim.tenant,
            "name": call.action.name,
        }
        place = ATTEMPT_RESULT.at(work.claim.tenant, work.turn, name)
        async with self.store.connection(*work.claim.scope) as connection:
            row = await (await connection.execute(_BEGIN, facts)).fetchone()
        assert row is not None, "a query without a table has one row"  # noqa: S101
        if row["sealed"] is not None:
            return self.vault.open(row["sealed"], place).decode()
        if not row["held"]:
            raise ToolFailed(_WITHDRAWN)
        if not row["begun"] and not call.action.idempotent:
            return UNKNOWN
        outcome = await self._made(call)
        sealed = self.vault.seal(outcome.text.encode(errors="replace"), place)
        async with self.store.connection(*work.claim.scope) as connection:
            await connection.execute(_END, (sealed, work.turn, name))
        return _text(outcome)

    async def _made(self, call: Call) -> Outcome:
        """Make a call; where it broke off, and the service knows its key, once more."""
        outcome = await perform(self.guard, call)
        if _is_unknown(outcome) and call.action.idempotent:
            outcome = await perform(self.guard, call)
        return replace(outcome, text=UNKNOWN) if _is_unknown(outcome) else outcome


def _is_unknown(outcome: Outcome) -> bool:
    return outcome.failure is not None and outcome.failure.begun


def _text(outcome: Outcome) -> str:
    if not outcome.ok:
        raise ToolFailed(outcome.text)
    return outcome.text
