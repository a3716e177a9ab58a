"""MCP servers of tenants: made, changed and looked at. Their secret headers go in and never come out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg.rows import DictRow

from services.console.access import Principal
from services.console.kept_secrets import Secrets, staying
from services.console.records import Deed, Records, Table, Unknown, note
from shared.ids import TenantId, new_id
from shared.mcp_servers import Listed, Server, list_tools, open_headers, seal_headers
from shared.outbound import Guard
from shared.store.session import Store
from shared.vault import Vault

SERVERS = Table(
    "mcp_server",
    "mc",
    {
        "id": "id",
        "tenant": "tenant_id",
        "name": "name",
        "url": "url",
        "tools": "tools",
        "secret_headers": "secret_names",
        "enabled": "enabled",
        "version": "version",
        "created_at": "created_at",
    },
)


@dataclass(frozen=True)
class McpServers:
    """The servers, and the guard through which they are looked at."""

    store: Store
    vault: Vault
    guard: Guard

    @property
    def records(self) -> Records:
        """Return the plain rows."""
        return Records(self.store, SERVERS)

    async def make(self, who: Principal, tenant: TenantId, values: Mapping[str, Any], secrets: Secrets) -> DictRow:
        """Make one. Raises Unfit, and as Records does."""
        server = new_id(SERVERS.prefix)
        async with self.store.connection(who.sees) as connection:
            await self.store.have_keys(connection, tenant)
        return await self.records.put(who, tenant, server, self._checked(tenant, server, values, {}, secrets))

    async def change(
        self, who: Principal, server: str, version: int, values: Mapping[str, Any], secrets: Secrets
    ) -> DictRow:
        """Change one; secrets that are not named stay, unless it is on another host now. Raises Unfit, and as Records does."""
        known, kept = await self._opened(who, server)
        kept = staying(kept, known["url"], values.get("url", known["url"]))
        changed = self._checked(known["tenant"], server, {**known, **values}, kept, secrets)
        wanted = {*values, "secret_headers", "sealed_headers"}
        return await self.records.change(who, server, version, {name: changed[name] for name in wanted})

    async def check(self, who: Principal, server: str) -> Listed:
        """Ask a server for its tools, and sort out those that can be offered. Raises Unknown, Unavailable, Unfit."""
        known, secrets = await self._opened(who, server)
        listed = await list_tools(self.guard, Server.of(known, secrets))
        async with self.store.transaction(who.sees) as connection:
            await note(connection, who, Deed("mcp_server.checked", server, known["tenant"]))
        return listed

    async def _opened(self, who: Principal, server: str) -> tuple[DictRow, dict[str, str]]:
        known = await self.records.get(who, server)
        async with self.store.connection(who.sees) as connection:
            await self.store.have_keys(connection, known["tenant"])
            cursor = await connection.execute("select sealed_headers from mcp_server where id = %s", (server,))
            row = await cursor.fetchone()
        if row is None:
            raise Unknown
        return known, open_headers(self.vault, known["tenant"], server, row["sealed_headers"])

    def _checked(
        self, tenant: str, server: str, values: Mapping[str, Any], kept: Mapping[str, str], given: Secrets
    ) -> dict[str, Any]:
        """Return the columns of a server that is fit for use. Raises Unfit."""
        secrets = {name: value for name, value in {**kept, **given}.items() if value is not None}
        Server.of(values, secrets).check_url(self.guard.allowed)
        sealed = seal_headers(self.vault, tenant, server, secrets)
        return {**values, "secret_headers": sorted(secrets), "sealed_headers": sealed}
