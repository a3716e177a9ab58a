"""What has a side effect happens once per (turn, call), whatever crashes or starts over (ADR 17)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from services.agent.store import Work
from services.agent.tools import ToolFailed
from shared.actions import Outcome
from shared.process import end_all
from shared.store.sealed import ATTEMPT_RESULT
from shared.store.session import Store
from shared.telemetry import SIDE_EFFECT_LOST, log
from shared.vault import Vault

UNKNOWN = "Whether it happened is not known: the service may have done it. Do not try again; tell the person that it is not certain."
_WITHDRAWN = "Not run: the person withdrew the message, or wrote more."

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


@dataclass(frozen=True)
class SideEffect:
    """
    A call that is to happen once. `call`: its name within the turn. `tool`: what is called.

    `happen`: makes it. `repeatable`: to make it twice does no more than to make it once.
    """

    call: str
    tool: str
    happen: Callable[[], Awaitable[Outcome]] = field(repr=False)
    repeatable: bool = False


@dataclass
class Attempts:
    """Makes such calls, and knows those that were made."""

    store: Store
    vault: Vault
    _running: dict[str, asyncio.Task[str]] = field(default_factory=dict)
    """Side effects that are happening, by their keys. They go on when their turn is broken off, and whoever asks again waits."""

    async def once(self, work: Work, effect: SideEffect) -> str:
        """Let it happen, apart from the turn that asks for it; an equal call waits for the same one. Raises ToolFailed."""
        key = f"{work.turn}:{effect.call}"
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._happen(work, effect))
            task.add_done_callback(lambda ended: self._ended(key, ended))
        return await asyncio.shield(task)

    async def end(self) -> None:
        """Let what is happening come to its end; what does not is known to have begun."""
        if self._running:
            await asyncio.wait(self._running.values(), timeout=_FINISH_LIMIT)
        await end_all(self._running.values())

    def _ended(self, key: str, task: asyncio.Task[str]) -> None:
        del self._running[key]
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or (error is not None and not isinstance(error, ToolFailed)):
            log.warning(SIDE_EFFECT_LOST, exc_info=error)

    async def _happen(self, work: Work, effect: SideEffect) -> str:
        """Write down that it begins, call, write down how it ended."""
        facts = {
            "thread": work.claim.thread,
            "fence": work.claim.fence,
            "turn": work.turn,
            "call": effect.call,
            "tenant": work.claim.tenant,
            "name": effect.tool,
        }
        place = ATTEMPT_RESULT.at(work.claim.tenant, work.turn, effect.call)
        async with self.store.connection(*work.claim.scope) as connection:
            row = await (await connection.execute(_BEGIN, facts)).fetchone()
        assert row is not None, "a query without a table has one row"  # noqa: S101
        if row["sealed"] is not None:
            return self.vault.open(row["sealed"], place).decode()
        if not row["held"]:
            raise ToolFailed(_WITHDRAWN)
        if not row["begun"] and not effect.repeatable:
            return UNKNOWN
        outcome = await _made(effect)
        sealed = self.vault.seal(outcome.text.encode(errors="replace"), place)
        async with self.store.connection(*work.claim.scope) as connection:
            await connection.execute(_END, (sealed, work.turn, effect.call))
        return told(outcome)


def told(outcome: Outcome) -> str:
    """Return what a model reads of an outcome. Raises ToolFailed for one that is not good."""
    if not outcome.ok:
        raise ToolFailed(outcome.text)
    return outcome.text


async def _made(effect: SideEffect) -> Outcome:
    """Make a call; where it broke off, and may be repeated, once more."""
    outcome = await effect.happen()
    if _is_unknown(outcome) and effect.repeatable:
        outcome = await effect.happen()
    return replace(outcome, text=UNKNOWN) if _is_unknown(outcome) else outcome


def _is_unknown(outcome: Outcome) -> bool:
    return outcome.failure is not None and outcome.failure.begun
