"""A tenant's webhook actions as tools."""

from dataclasses import dataclass, field
from typing import Any

from psycopg.rows import DictRow

from services.agent.attempts import Attempts, SideEffect, told
from services.agent.store import Work
from services.agent.tools import Tool, ToolContext
from shared.actions import Action, Unfit, perform, prepare
from shared.actions.definition import open_secrets
from shared.failures import GatewayError
from shared.outbound import Guard
from shared.store.session import Store
from shared.telemetry import ACTION_UNUSABLE, log
from shared.vault import Vault

_MOST_OFFERED = 64


@dataclass
class Actions:
    """Offers actions and performs them."""

    store: Store
    vault: Vault
    guard: Guard
    attempts: Attempts = field(init=False)

    def __post_init__(self) -> None:
        self.attempts = Attempts(self.store, self.vault)

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
        """Let what is happening come to its end."""
        await self.attempts.end()

    def _tool(self, row: DictRow, work: Work) -> Tool | None:
        try:
            secrets = open_secrets(self.vault, work.claim.tenant, row["id"], row["sealed_headers"])
            action = Action.of(row, secrets)
        except (GatewayError, Unfit) as error:
            log.warning(ACTION_UNUSABLE, action=row["id"], exc_info=error)
            return None

        async def run(arguments: dict[str, Any], context: ToolContext) -> str:
            call = prepare(action, arguments, work.identity, f"{work.turn}:{context.call}")
            if not action.side_effect:
                return told(await perform(self.guard, call))
            effect = SideEffect(context.call, action.name, lambda: perform(self.guard, call), action.idempotent)
            return await self.attempts.once(work, effect)

        return Tool(action.name, action.description, action.parameters, run)
