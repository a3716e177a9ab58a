"""
The tools of a tenant's MCP servers. What they are is asked for from time to time, and remembered.

A server that does not answer costs a turn a few seconds, once in a while, and its tools are not offered meanwhile.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg.rows import DictRow

from services.agent.attempts import Attempts, SideEffect, told
from services.agent.cleaning import clean, cleaned
from services.agent.store import Work
from services.agent.tools import Run, Tool, ToolContext
from shared.actions import Parameters, Unfit
from shared.failures import GatewayError
from shared.ids import TenantId
from shared.mcp_servers import Listed, RemoteTool, Server, call_tool, list_tools, open_headers
from shared.mcp_servers.client import Unavailable
from shared.outbound import Guard
from shared.store.session import Store
from shared.telemetry import MCP_TOOL_LEFT_OUT, MCP_UNAVAILABLE, log
from shared.vault import Vault

_MOST_SERVERS = 8
_REMEMBERED, _REMEMBERED_AWAY = 300.0, 30.0
"""Seconds that a server's tools are remembered, and that it did not answer."""

_MOST_REMEMBERED = 2000
_NONE = Listed((), ())

Version = tuple[str, int]


@dataclass
class McpTools:
    """Offers the tools and calls them."""

    store: Store
    vault: Vault
    guard: Guard
    clock: Callable[[], float] = time.monotonic
    attempts: Attempts = field(init=False)
    _known: dict[Version, tuple[float, Listed]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.attempts = Attempts(self.store, self.vault)

    async def offered(self, work: Work) -> tuple[Tool, ...]:
        """Return the tools of all of the tenant's servers that answer."""
        return tuple(self._tool(server, remote, work) for server, remote in await self.remote(work.claim.tenant))

    async def remote(self, tenant: TenantId) -> list[tuple[Server, RemoteTool]]:
        """Return what all of a tenant's servers that answer have to offer."""
        async with self.store.connection(tenant) as connection:
            cursor = await connection.execute(
                "select * from mcp_server where tenant_id = %s and enabled order by name limit %s",
                (tenant, _MOST_SERVERS),
            )
            rows = await cursor.fetchall()
        found = await asyncio.gather(*(self._of(tenant, row) for row in rows))
        return [pair for pairs in found for pair in pairs]

    async def end(self) -> None:
        """Let what is happening come to its end."""
        await self.attempts.end()

    async def _of(self, tenant: TenantId, row: DictRow) -> Sequence[tuple[Server, RemoteTool]]:
        try:
            headers = open_headers(self.vault, tenant, row["id"], row["sealed_headers"])
            server = Server.of(row, headers)
        except (GatewayError, Unfit) as error:
            log.warning(MCP_UNAVAILABLE, server=row["id"], exc_info=error)
            return ()
        listed = await self._listed((row["id"], row["version"]), server)
        return [(server, tool) for tool in listed.tools]

    async def _listed(self, version: Version, server: Server) -> Listed:
        """Return a server's tools, as they are remembered or as it tells now."""
        until, listed = self._known.get(version, (0.0, _NONE))
        if self.clock() < until:
            return listed
        try:
            listed, keep = await list_tools(self.guard, server), _REMEMBERED
        except Unavailable:
            listed, keep = _NONE, _REMEMBERED_AWAY
            log.warning(MCP_UNAVAILABLE, server=version[0])
        for one in listed.left_out:
            if one.name in server.tools:
                log.warning(MCP_TOOL_LEFT_OUT, server=version[0], reason=one.reason)
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[version] = (self.clock() + keep, listed)
        return listed

    def _tool(self, server: Server, remote: RemoteTool, work: Work) -> Tool:
        async def run(arguments: dict[str, Any], context: ToolContext) -> str:
            if not remote.side_effect:
                return told(await call_tool(self.guard, server, remote.name, arguments))
            effect = SideEffect(
                context.call,
                remote.offered,
                lambda: call_tool(self.guard, server, remote.name, arguments),
                remote.idempotent,
            )
            return await self.attempts.once(work, effect)

        return described(remote, run)


def described(remote: RemoteTool, run: Run) -> Tool:
    """Return a server's tool as models are told of it: what its server says of it is cleaned."""
    parameters = Parameters(_object(cleaned(remote.parameters.schema)))
    return Tool(remote.offered, clean(remote.description), parameters, run)


def _object(value: object) -> dict[str, Any]:
    assert isinstance(value, dict)  # noqa: S101 - what was an object is cleaned into one
    return value
