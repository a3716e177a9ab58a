"""Where a company has its contact forms sent: one place each. Its secrets go in and never come out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg.rows import DictRow

from services.console.access import Principal
from services.console.records import Records, Table
from shared.forms import check_delivery, seal_delivery
from shared.ids import TenantId, new_id
from shared.outbound import Allowed
from shared.store.session import Store
from shared.vault import Vault

DELIVERIES = Table(
    "form_delivery",
    "fd",
    {
        "id": "id",
        "tenant": "tenant_id",
        "kind": "kind",
        "options": "options",
        "secrets": "secret_names",
        "enabled": "enabled",
        "version": "version",
        "created_at": "created_at",
    },
)


@dataclass(frozen=True)
class Target:
    """A place. `kind`: webhook or email. `options`: what may be shown of it."""

    kind: str
    options: Mapping[str, Any]
    secrets: Mapping[str, str]


@dataclass(frozen=True)
class FormDeliveries:
    """The places. `allowed`: hosts beyond the public."""

    store: Store
    vault: Vault
    allowed: Allowed

    @property
    def records(self) -> Records:
        """Return the plain rows."""
        return Records(self.store, DELIVERIES)

    async def make(self, who: Principal, tenant: TenantId, target: Target, *, enabled: bool) -> DictRow:
        """Set a place. Raises Unfit, and as Records does."""
        delivery = new_id(DELIVERIES.prefix)
        async with self.store.connection(who.sees) as connection:
            await self.store.have_keys(connection, tenant)
        values = self._checked(tenant, delivery, target) | {"enabled": enabled}
        return await self.records.put(who, tenant, delivery, values)

    async def change(
        self, who: Principal, delivery: str, version: int, target: Target | None, *, enabled: bool | None
    ) -> DictRow:
        """Change a place. One that is given stands for the whole of the old one, secrets too. Raises as `make` does."""
        known = await self.records.get(who, delivery)
        values: dict[str, Any] = {} if enabled is None else {"enabled": enabled}
        if target is not None:
            async with self.store.connection(who.sees) as connection:
                await self.store.have_keys(connection, known["tenant"])
            values |= self._checked(known["tenant"], delivery, target)
        return await self.records.change(who, delivery, version, values)

    def _checked(self, tenant: str, delivery: str, target: Target) -> dict[str, Any]:
        check_delivery(target.kind, target.options, target.secrets, self.allowed)
        return {
            "kind": target.kind,
            "options": dict(target.options),
            "secrets": sorted(target.secrets),
            "sealed_secrets": seal_delivery(self.vault, tenant, delivery, target.secrets),
        }
