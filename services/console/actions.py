"""Webhook actions: made, changed and tried out. Their secret headers go in and never come out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg.rows import DictRow

from services.console.access import Principal
from services.console.kept_secrets import Secrets, staying
from services.console.records import Deed, Records, Table, Unknown, note
from shared.actions import Action, Identity, Outcome, perform, prepare
from shared.actions.definition import open_secrets, seal_secrets
from shared.ids import TenantId, new_id
from shared.outbound import Guard
from shared.store.session import Store
from shared.vault import Vault

ACTIONS = Table(
    "action",
    "ac",
    {
        "id": "id",
        "tenant": "tenant_id",
        "name": "name",
        "description": "description",
        "parameters": "parameters",
        "method": "method",
        "url": "url",
        "headers": "headers",
        "secret_headers": "secret_names",
        "results": "results",
        "side_effect": "side_effect",
        "idempotent": "idempotent",
        "enabled": "enabled",
        "version": "version",
        "created_at": "created_at",
    },
)


@dataclass(frozen=True)
class Actions:
    """The actions, and the guard through which they are tried out."""

    store: Store
    vault: Vault
    guard: Guard

    @property
    def records(self) -> Records:
        """Return the plain rows."""
        return Records(self.store, ACTIONS)

    async def make(self, who: Principal, tenant: TenantId, values: Mapping[str, Any], secrets: Secrets) -> DictRow:
        """Make one. Raises Unfit, and as Records does."""
        action = new_id(ACTIONS.prefix)
        async with self.store.connection(who.sees) as connection:
            await self.store.have_keys(connection, tenant)
        checked = self._checked(tenant, action, values, {}, secrets)
        return await self.records.put(who, tenant, action, checked)

    async def change(
        self, who: Principal, action: str, version: int, values: Mapping[str, Any], secrets: Secrets
    ) -> DictRow:
        """Change one; secrets that are not named stay, unless it is on another host now. Raises Unfit, and as Records does."""
        known, kept = await self._opened(who, action)
        kept = staying(kept, known["url"], values.get("url", known["url"]))
        changed = self._checked(known["tenant"], action, {**known, **values}, kept, secrets)
        wanted = {*values, "secret_headers", "sealed_headers"}
        return await self.records.change(who, action, version, {name: changed[name] for name in wanted})

    async def try_out(self, who: Principal, action: str, arguments: object) -> Outcome:
        """Perform one, for nobody. Raises Unknown, Misfit, Unfit."""
        known, secrets = await self._opened(who, action)
        defined = Action.of(known, secrets)
        trial = new_id("trial")
        call = prepare(defined, defined.parameters.read(arguments), Identity(known["tenant"]), trial)
        outcome = await perform(self.guard, call)
        async with self.store.transaction(who.sees) as connection:
            told = {"status": outcome.status, "failure": outcome.failure.code if outcome.failure else None}
            await note(connection, who, Deed("action.tried", action, known["tenant"], after=told))
        return outcome

    async def _opened(self, who: Principal, action: str) -> tuple[DictRow, dict[str, str]]:
        """Return an action and its secrets. Raises Unknown."""
        known = await self.records.get(who, action)
        async with self.store.connection(who.sees) as connection:
            await self.store.have_keys(connection, known["tenant"])
            cursor = await connection.execute("select sealed_headers from action where id = %s", (action,))
            row = await cursor.fetchone()
        if row is None:
            raise Unknown
        return known, open_secrets(self.vault, known["tenant"], action, row["sealed_headers"])

    def _checked(
        self, tenant: str, action: str, values: Mapping[str, Any], kept: Mapping[str, str], given: Secrets
    ) -> dict[str, Any]:
        """Return the columns of a definition that is fit for use. Raises Unfit."""
        secrets = {name: value for name, value in {**kept, **given}.items() if value is not None}
        Action.of(values, secrets).check_host(self.guard.allowed)
        sealed = seal_secrets(self.vault, tenant, action, secrets)
        return {**values, "secret_headers": sorted(secrets), "sealed_headers": sealed}
