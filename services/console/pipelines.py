"""Pipelines: drafts, versions that nobody changes, which one is active, and the way back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import sql
from psycopg.rows import DictRow

from services.console.access import Principal
from services.console.records import Records, Stale, Table, Unknown
from shared.ids import TenantId
from shared.pipelines import read_pipeline
from shared.store.session import Store

PIPELINES = Table(
    "pipeline",
    "pl",
    {
        "id": "id",
        "tenant": "tenant_id",
        "name": "name",
        "draft": "draft",
        "active_version": "active_version",
        "newest_version": "(select max(number) from pipeline_version where pipeline_id = pipeline.id)",
        "past": "past",
        "agents": "array(select agent.id from agent where agent.pipeline_id = pipeline.id order by agent.id)",
        "version": "version",
        "created_at": "created_at",
    },
)
_SECRET = frozenset({"draft"})
"""What is too long for the audit log: versions keep it."""

_VERSION = "select number, document, author, created_at from pipeline_version where pipeline_id = %s"
_PUBLISH = """
with newest as (
  select number, document from pipeline_version where pipeline_id = %(pipeline)s order by number desc limit 1
)
insert into pipeline_version (pipeline_id, number, tenant_id, document, author)
select id, coalesce((select number from newest), 0) + 1, tenant_id, draft, %(author)s from pipeline
where id = %(pipeline)s and version = %(version)s and draft is distinct from (select document from newest)
"""
"""Makes the draft a version, unless the newest says the same already."""

_PAST = "case when active_version is null or active_version = {number} then past else (past || active_version) end"


class NothingBefore(Exception):
    """No version was active before the present one."""


@dataclass(frozen=True)
class Pipelines:
    """The pipelines."""

    store: Store

    @property
    def records(self) -> Records:
        """Return the plain rows."""
        return Records(self.store, PIPELINES, _SECRET)

    async def make(self, who: Principal, tenant: TenantId, name: str, document: str) -> DictRow:
        """Make one that nobody runs yet. Raises NotAPipeline, Taken."""
        read_pipeline(document)
        return await self.records.make(who, tenant, {"name": name, "draft": document})

    async def change(self, who: Principal, pipeline: str, version: int, values: Mapping[str, Any]) -> DictRow:
        """Change name or draft; what runs stays as it is. Raises NotAPipeline, and as Records does."""
        if "draft" in values:
            read_pipeline(values["draft"])
        return await self.records.change(who, pipeline, version, values)

    async def versions(self, who: Principal, pipeline: str, before: str | None, most: int) -> list[DictRow]:
        """Return a pipeline's versions, the newest first. Raises Unknown."""
        await self.records.get(who, pipeline)
        async with self.store.connection(who.sees) as connection:
            cursor = await connection.execute(
                f"{_VERSION} and (%s::int is null or number < %s::int) order by number desc limit %s",
                (pipeline, before, before, most),
            )
            return await cursor.fetchall()

    async def version(self, who: Principal, pipeline: str, number: int) -> DictRow:
        """Return one version. Raises Unknown."""
        async with self.store.connection(who.sees) as connection:
            cursor = await connection.execute(f"{_VERSION} and number = %s", (pipeline, number))
            row = await cursor.fetchone()
        if row is None:
            raise Unknown
        return row

    async def activate(self, who: Principal, pipeline: str, version: int, number: int | None) -> DictRow:
        """
        Let turns that begin from now on run a version; without a number the draft, as a version of its own.

        Raises Unknown for a version that is not there, NotAPipeline for one that is none any more, and as Records does.
        """
        number = await self._publish(who, pipeline, version) if number is None else number
        read_pipeline((await self.version(who, pipeline, number))["document"])
        past = sql.SQL(_PAST).format(number=sql.Literal(number))
        return await self.records.change(who, pipeline, version, {"past": past, "active_version": number})

    async def _publish(self, who: Principal, pipeline: str, version: int) -> int:
        """Return the number of the version that the draft is. Raises Unknown, Stale."""
        facts = {"pipeline": pipeline, "version": version, "author": who.id}
        async with self.store.transaction(who.sees) as connection:
            await connection.execute(_PUBLISH, facts)
        found = await self.records.get(who, pipeline)
        if found["version"] != version:
            raise Stale
        number: int = found["newest_version"]
        return number

    async def roll_back(self, who: Principal, pipeline: str, version: int) -> DictRow:
        """Let turns run what was active before, and before that the next time. Raises NothingBefore, and as Records does."""
        found = await self.records.get(who, pipeline)
        if not found["past"]:
            raise NothingBefore
        *past, before = found["past"]
        return await self.records.change(who, pipeline, version, {"active_version": before, "past": past})
