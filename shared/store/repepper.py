"""
After a pepper was added to the ring: keys addresses anew with the newest, as far as the addresses themselves are kept, sealed.

Batch by batch, forward only; it may be stopped, repeated and run twice at once. What is left tells whether an older pepper may
be taken out.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from psycopg.rows import DictRow

from shared.addresses import Pepper
from shared.failures import GatewayError
from shared.ids import TenantId
from shared.store.sealed import BINDING_ADDRESS, CONTACT_ADDRESS, SealedColumn
from shared.store.session import EVERY_TENANT, Connection, Store
from shared.telemetry import REPEPPERED, SWEEP_FAILED, log
from shared.vault import Vault

_BATCH = 500
_AGAIN = 10.0
_EVERY = 6 * 3600.0

_BINDINGS = """
select id, tenant_id, channel, sealed_address from binding
where id > %(last)s and pepper_version < %(newest)s order by id limit %(most)s
"""
_KEYED = """
update binding set address_key = %(key)s, pepper_version = %(newest)s where id = %(id)s and pepper_version < %(newest)s
"""
_CONTACTS = """
select id, tenant_id, channel, sealed_address from contact
where id > %(last)s and sealed_address is not null
  and not exists (select 1 from contact_alias where contact_id = contact.id and pepper_version >= %(newest)s)
order by id limit %(most)s
"""
_LEARNED = """
insert into contact_alias (tenant_id, channel, address_key, contact_id, pepper_version)
values (%(tenant)s, %(channel)s, %(key)s, %(id)s, %(newest)s) on conflict do nothing
"""
_LEFT = """
select 'binding' as what, pepper_version, count(*) as rows from binding group by pepper_version
union all
select 'contact', newest, count(*) from
  (select max(pepper_version) as newest from contact_alias group by contact_id) as known group by newest
union all
select 'order', pepper_version, count(*) from customer_order group by pepper_version
"""


@dataclass(frozen=True)
class Repepper:
    """The job."""

    store: Store
    vault: Vault
    pepper: Pepper

    async def keep(self) -> None:
        """Run, again soon as long as there was something to do, and every 6 hours. Never ends."""
        while True:
            try:
                busy = await self.run() > 0
            except Exception as error:  # noqa: BLE001 - the database is away; nothing is lost by trying again
                log.warning(SWEEP_FAILED, exc_info=error)
                busy = True
            await asyncio.sleep(_AGAIN if busy else _EVERY)

    async def run(self) -> int:
        """Go through bindings and contacts once; return how many were keyed anew."""
        async with self.store.connection(EVERY_TENANT) as connection:
            bindings = await self._go_through(connection, BINDING_ADDRESS, _BINDINGS, _KEYED)
            contacts = await self._go_through(connection, CONTACT_ADDRESS, _CONTACTS, _LEARNED)
        if bindings or contacts:
            log.info(REPEPPERED, bindings=bindings, contacts=contacts)
        return bindings + contacts

    async def named(self) -> dict[int, dict[str, int]]:
        """
        Return for each pepper how many bindings and orders are keyed with it, and for how many contacts it is the newest.

        Orders are keyed anew by their next import: their customers' addresses are not kept.
        """
        counts: dict[int, dict[str, int]] = {}
        async with self.store.connection(EVERY_TENANT) as connection:
            for row in await (await connection.execute(_LEFT)).fetchall():
                counts.setdefault(row["pepper_version"], {})[row["what"]] = row["rows"]
        return counts

    async def _go_through(self, connection: Connection, column: SealedColumn, query: str, change: str) -> int:
        done, last = 0, ""
        while True:
            wanted = {"last": last, "newest": self.pepper.version, "most": _BATCH}
            rows = await (await connection.execute(query, wanted)).fetchall()
            if not rows:
                return done
            await self.store.have_keys(connection, *(row["tenant_id"] for row in rows))
            changes = list(self._changes(column, rows))
            await connection.cursor().executemany(change, changes)
            done, last = done + len(changes), rows[-1]["id"]

    def _changes(self, column: SealedColumn, rows: Iterable[DictRow]) -> Iterable[dict[str, object]]:
        for row in rows:
            tenant, channel = TenantId(row["tenant_id"]), row["channel"]
            try:
                address = self.vault.open(row["sealed_address"], column.at(tenant, row["id"])).decode()
            except GatewayError:
                continue
            of_all = column is BINDING_ADDRESS
            key = (
                self.pepper.global_key(channel, address)
                if of_all
                else self.pepper.address_key(tenant, channel, address)
            )
            yield {"id": row["id"], "tenant": tenant, "channel": channel, "key": key, "newest": self.pepper.version}
