"""Turns as admins read them: what was asked and answered, with which tools; and what an agent would answer now."""

import difflib
from dataclasses import dataclass

from psycopg.rows import DictRow

from services.console.scan import Conditions, Mark, Scan, Slice
from shared.bus import Bus, BusUnavailable
from shared.events import ReplayRequested, TurnReplayed
from shared.ids import TenantId, TurnId
from shared.store.session import Store
from shared.topology import TURN_REPLAY
from shared.vault import Vault

NO_AGENT = "no_agent"
"""Why there is no repetition where no agent answered in time."""

_LIMIT = 100.0
"""Seconds that a repetition may take: what the agent gives a turn, and some for the way."""

_ASKED = """
select message.id, sealed_text from message
where thread = %(thread)s and seq between %(from_seq)s and %(upto_seq)s and outcome = 'asked' order by seq
"""
_ANSWERED = "select public_id, sealed_body from reply where turn_id = %(id)s"
_TOOLS = "select step, name from tool_call where turn_id = %(id)s order by step, created_at"


@dataclass(frozen=True)
class Contents:
    """What belongs to a turn: the messages it answers, its reply, if there is one, and its tool calls."""

    asked: list[DictRow]
    reply: DictRow | None
    tools: list[DictRow]


@dataclass(frozen=True)
class Repeated:
    """What the agent answered now. `failure`: why it did not; then there is no text."""

    replayed: TurnReplayed
    failure: str | None
    text: str | None


@dataclass(frozen=True)
class Turns:
    """Reads them, and has them run again."""

    store: Store
    vault: Vault
    bus: Bus
    scan: Scan

    async def read(self, tenant: TenantId, within: Conditions, after: Mark | None, most: int) -> Slice:
        """Return turns, the newest first."""
        async with self.store.transaction(tenant) as connection:
            return await self.scan.read(connection, {"turn.tenant_id = %s": tenant, **within}, {}, after, most)

    async def one(self, tenant: TenantId, turn: str) -> tuple[DictRow, Contents]:
        """Return one, and what belongs to it. Raises Unknown."""
        async with self.store.connection(tenant) as connection:
            row = await self.scan.one(connection, {"turn.id = %s": turn})
            asked = await (await connection.execute(_ASKED, row)).fetchall()
            reply = await (await connection.execute(_ANSWERED, row)).fetchone()
            tools = await (await connection.execute(_TOOLS, row)).fetchall()
        return row, Contents(asked, reply, tools)

    async def again(self, tenant: TenantId, turn: str, model: str | None) -> Repeated:
        """Ask an agent what it would answer now. Nothing is sent or stored."""
        wanted = ReplayRequested(tenant=tenant, turn=TurnId(turn), model=model)
        try:
            replayed = await self.bus.request(TURN_REPLAY, wanted, TurnReplayed, _LIMIT)
        except BusUnavailable:
            return Repeated(TurnReplayed(tenant=tenant, turn=wanted.turn), NO_AGENT, None)
        if replayed.failure is not None:
            return Repeated(replayed, replayed.failure, None)
        return Repeated(replayed, None, self.vault.open_text(replayed.sealed, replayed.seal_context))


def difference(before: str, after: str) -> str:
    """Return how an answer differs from another, as a unified diff; empty where it does not."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "before", "after", lineterm="")
    return "\n".join(lines)
