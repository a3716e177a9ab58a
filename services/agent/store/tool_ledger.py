"""Remembers the tool calls of a turn."""

from dataclasses import dataclass

import orjson

from services.agent.llm_port import ToolRequest
from services.agent.store.rows import TurnRows
from services.agent.store.work import Work
from services.agent.tools import Result
from shared.store.sealed import TOOL_RESULT, TOOL_SOURCES, SealedColumn


@dataclass(frozen=True)
class ToolLedger:
    """The tool calls of one turn, kept across restarts."""

    turns: TurnRows
    work: Work

    async def recall(self, request: ToolRequest) -> Result | None:
        """Return the stored result of an equal call."""
        async with self.turns.store.connection(self.work.claim.tenant) as connection:
            cursor = await connection.execute(
                "select sealed_result, sealed_sources from tool_call where turn_id = %s and call = %s",
                (self.work.turn, request.key),
            )
            row = await cursor.fetchone()
        if row is None or row["sealed_result"] is None:
            return None
        open_ = self.turns.vault.open
        text = open_(row["sealed_result"], self._place(TOOL_RESULT, request)).decode()
        sealed = row["sealed_sources"]
        sources = orjson.loads(open_(sealed, self._place(TOOL_SOURCES, request))) if sealed is not None else ()
        return Result(text, tuple(sources))

    async def remember(self, step: int, request: ToolRequest, result: Result) -> None:
        """Keep a call's result; that of another run of this turn stays as it is."""
        seal, sources = self.turns.vault.seal, orjson.dumps(result.sources)
        async with self.turns.store.connection(self.work.claim.tenant) as connection:
            await connection.execute(
                """
                insert into tool_call (turn_id, call, tenant_id, step, name, sealed_result, sealed_sources)
                values (%s, %s, %s, %s, %s, %s, %s) on conflict (turn_id, call) do nothing
                """,
                (
                    self.work.turn,
                    request.key,
                    self.work.claim.tenant,
                    step,
                    request.name[:64],
                    seal(result.text.encode(), self._place(TOOL_RESULT, request)),
                    seal(sources, self._place(TOOL_SOURCES, request)) if result.sources else None,
                ),
            )

    def _place(self, column: SealedColumn, request: ToolRequest) -> str:
        return column.at(self.work.claim.tenant, self.work.turn, request.key)
