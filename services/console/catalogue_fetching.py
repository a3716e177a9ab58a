"""
Fetches feeds and shops when they are due, one at a time in each console; the queue is the table.

Who claims a source has it for ten minutes. What fails leaves everything as it was, and says why; it is tried again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from psycopg.rows import DictRow

from services.console.catalogue_imports import Contents, Imports, read
from services.console.job import Worker
from shared.catalogue import Broken, Fault, open_source
from shared.catalogue.woocommerce import ShopUnavailable, WooCommerce
from shared.failures import GatewayError
from shared.ids import TenantId
from shared.outbound import Guard, OutboundFailure
from shared.store.session import EVERY_TENANT
from shared.telemetry import SOURCE_FAILED, log

FEED_LIMIT = 60.0
FEED_BYTES = 8 * 1024 * 1024
"""What a feed may take and be. More than a tool's call may (safety.md, section 2): no turn waits for it (ADR 18)."""

_ACCEPT = {"Accept": "application/json, text/csv;q=0.9, text/plain;q=0.8"}
_CLAIM = """
update data_source set next_at = now() + interval '10 minutes'
where id = (select id from data_source where next_at <= now() order by next_at, id limit 1 for update skip locked)
returning *
"""
_HOLD = """
update data_source set next_at = now() + every_minutes * interval '1 minute'
where id = %(id)s and version = %(version)s returning 1
"""
_FAIL = """
update data_source
set tried_at = now(), failure = %(failure)s, faults = %(faults)s,
    next_at = now() + least(every_minutes, 15) * interval '1 minute'
where id = %(id)s and version = %(version)s
"""


@dataclass
class Fetching(Worker):
    """The worker of this process. `guard`: one that lets feeds be large."""

    imports: Imports
    guard: Guard

    async def next(self) -> bool:
        """Fetch one source; false where none is due."""
        store = self.imports.store
        async with store.connection(EVERY_TENANT) as connection:
            source = await (await connection.execute(_CLAIM)).fetchone()
            if source is None:
                return False
            await store.have_keys(connection, source["tenant_id"])
        try:
            contents = await self._fetched(source)
        except Broken as broken:
            await self._failed(source, "broken", broken.faults)
        except ShopUnavailable as unavailable:
            await self._failed(source, unavailable.code)
        except GatewayError as error:
            await self._failed(source, error.failure.code)
        else:
            await self._take(source, contents)
        return True

    async def _fetched(self, source: DictRow) -> Contents:
        """Return what a source holds now. Raises Broken, ShopUnavailable, GatewayError."""
        secrets = open_source(self.imports.vault, source["tenant_id"], source["id"], source["sealed_secrets"])
        if source["origin"] == "woocommerce":
            items = await WooCommerce(self.guard, source["url"], secrets).products()
            return await asyncio.to_thread(Contents.of_items, items)
        came = await self.guard.ask("GET", source["url"], headers={**_ACCEPT, **secrets})
        if isinstance(came, OutboundFailure):
            raise ShopUnavailable(came.code, came.words)
        if not came.ok:
            raise ShopUnavailable(f"http_{came.status}", "")
        return await asyncio.to_thread(read, source["kind"], came.text, source["currency"], source["country"])

    async def _take(self, source: Mapping[str, Any], contents: Contents) -> None:
        """Take what was fetched, unless the source was changed meanwhile."""
        tenant = TenantId(source["tenant_id"])
        async with self.imports.store.transaction(tenant) as connection:
            if await (await connection.execute(_HOLD, source)).fetchone():
                await self.imports.replace(connection, tenant, source["id"], source["language"], contents)

    async def _failed(self, source: Mapping[str, Any], failure: str, faults: Sequence[Fault] = ()) -> None:
        told = {"failure": failure, "faults": orjson.dumps([asdict(fault) for fault in faults]).decode()}
        async with self.imports.store.connection(TenantId(source["tenant_id"])) as connection:
            await connection.execute(_FAIL, {"id": source["id"], "version": source["version"], **told})
        log.warning(SOURCE_FAILED, tenant=source["tenant_id"], source=source["id"], failure=failure)
