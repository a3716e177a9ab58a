"""Where a tenant's products, listings and orders come from: set up and changed. Secrets go in and never come out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg.rows import DictRow

from services.console.access import Principal
from services.console.kept_secrets import Secrets, staying
from services.console.records import Deed, Records, Table, Unknown, note
from shared.actions import Unfit
from shared.actions.mapping import check_paths
from shared.catalogue import check_source, open_source, seal_source
from shared.catalogue.sources import FETCHED
from shared.ids import TenantId, new_id
from shared.outbound import Allowed
from shared.store.session import Store
from shared.vault import Vault

SOURCES = Table(
    "data_source",
    "ds",
    {
        "id": "id",
        "tenant": "tenant_id",
        "kind": "kind",
        "origin": "origin",
        "url": "url",
        "currency": "currency",
        "country": "country",
        "language": "language",
        "results": "results",
        "every_minutes": "every_minutes",
        "secrets": "secret_names",
        "items": "items",
        "imported_at": "imported_at",
        "tried_at": "tried_at",
        "failure": "failure",
        "faults": "faults",
        "version": "version",
        "created_at": "created_at",
    },
)
_DAILY = 24 * 60


class NotFetched(Exception):
    """Nothing is fetched from there: a file is sent, or it is asked each time."""


@dataclass(frozen=True)
class Sources:
    """The sources. `allowed`: hosts beyond the public."""

    store: Store
    vault: Vault
    allowed: Allowed

    @property
    def records(self) -> Records:
        """Return the plain rows."""
        return Records(self.store, SOURCES)

    async def make(self, who: Principal, tenant: TenantId, values: Mapping[str, Any], secrets: Secrets) -> DictRow:
        """Set one up that is fetched or asked. Raises Unfit, and as Records does."""
        source = new_id(SOURCES.prefix)
        async with self.store.connection(who.sees) as connection:
            await self.store.have_keys(connection, tenant)
        return await self.records.put(who, tenant, source, self._checked(tenant, source, values, {}, secrets))

    async def change(
        self, who: Principal, source: str, version: int, values: Mapping[str, Any], secrets: Secrets
    ) -> DictRow:
        """Change one; secrets that are not named stay, unless it is on another host now. It is fetched anew at once. Raises as `make`."""
        known, kept = await self._opened(who, source)
        if known["origin"] == "upload":
            raise Unfit("origin: this one is sent as a file.")
        kept = staying(kept, known["url"], values.get("url", known["url"]))
        changed = self._checked(known["tenant"], source, {**known, **values}, kept, secrets)
        wanted = {*values, "secrets", "sealed_secrets", "next_at", "every_minutes"}
        return await self.records.change(who, source, version, {name: changed[name] for name in wanted})

    async def fetch(self, who: Principal, source: str) -> DictRow:
        """Have one fetched now. Raises Unknown, NotFetched."""
        known = await self.records.get(who, source)
        if known["kind"] not in FETCHED.get(known["origin"], frozenset()):
            raise NotFetched
        async with self.store.transaction(who.sees) as connection:
            await connection.execute("update data_source set next_at = now() where id = %s", (source,))
            await note(connection, who, Deed("data_source.fetched", source, known["tenant"]))
        return known

    async def _opened(self, who: Principal, source: str) -> tuple[DictRow, dict[str, str]]:
        known = await self.records.get(who, source)
        async with self.store.connection(who.sees) as connection:
            await self.store.have_keys(connection, known["tenant"])
            cursor = await connection.execute("select sealed_secrets from data_source where id = %s", (source,))
            row = await cursor.fetchone()
        if row is None:
            raise Unknown
        return known, open_source(self.vault, known["tenant"], source, row["sealed_secrets"])

    def _checked(
        self, tenant: str, source: str, values: Mapping[str, Any], kept: Mapping[str, str], given: Secrets
    ) -> dict[str, Any]:
        """Return the columns of a source that is fit for use. Raises Unfit."""
        secrets = {name: value for name, value in {**kept, **given}.items() if value is not None}
        check_source(values["origin"], values["kind"], values["url"], secrets, self.allowed)
        check_paths(values["results"])
        fetched = values["kind"] in FETCHED.get(values["origin"], frozenset())
        return {
            **values,
            "secrets": sorted(secrets),
            "sealed_secrets": seal_source(self.vault, tenant, source, secrets),
            "every_minutes": (values["every_minutes"] or _DAILY) if fetched else None,
            "next_at": datetime.now(UTC) if fetched else None,
        }
