"""Keeps ingress's directory equal to the tables: accounts with their secrets, and lines, sealed in NATS."""

import asyncio
from dataclasses import dataclass

from shared.bus import Bus
from shared.directory import AccountEntry, LineEntry, SigningSecret, account_key, line_key, open_entry, seal_entry
from shared.failures import GatewayError
from shared.ids import AccountSid, LineId, TenantId
from shared.store.sealed import CREDENTIAL_SECRET
from shared.store.session import EVERY_TENANT, Store
from shared.telemetry import SWEEP_FAILED, log
from shared.vault import Vault, ring_key

_EVERY = 30.0
_RETRY = 1.0

Entries = dict[str, AccountEntry | LineEntry]


@dataclass(frozen=True)
class Reconciler:
    """Writes what differs, removes what is gone."""

    bus: Bus
    store: Store
    vault: Vault

    async def keep(self) -> None:
        """Reconcile every 30 s; a failed pass is repeated sooner. Never ends."""
        while True:
            try:
                await self.reconcile()
            except Exception as error:  # noqa: BLE001 - database or bus are away; nothing is lost by trying again
                log.warning(SWEEP_FAILED, exc_info=error)
                await asyncio.sleep(_RETRY)
            else:
                await asyncio.sleep(_EVERY)

    async def reconcile(self) -> None:
        """Bring the bucket to the state of the tables."""
        wanted = await self._wanted()
        stored = await self.bus.config.all()
        for key, entry in wanted.items():
            if self._opened(key, stored.get(key)) != entry:
                await self.bus.config.put(key, seal_entry(self.vault, key, entry))
        for key in stored.keys() - wanted.keys():
            await self.bus.config.remove(key)

    def _opened(self, key: str, sealed: bytes | None) -> AccountEntry | LineEntry | None:
        """Return an entry; None for one that is to be written anew, because nobody can read it or an older key sealed it."""
        if sealed is None or (ring_key(sealed) or 0) < self.vault.newest:
            return None
        try:
            return open_entry(self.vault, key, sealed)
        except (GatewayError, ValueError):
            return None

    async def _wanted(self) -> Entries:
        entries: Entries = {}
        async with self.store.connection(EVERY_TENANT) as connection:
            cursor = await connection.execute(
                """
                select line.id, line.tenant_id, line.channel, line.sender, line.enabled, account_sid,
                       credential.id as credential, credential.tenant_id as holder, sealed_secret
                from line join credential on credential.id = line.credential_id
                """
            )
            rows = await cursor.fetchall()
            await self.store.have_keys(connection, *(row["holder"] for row in rows))
            for row in rows:
                sid = AccountSid(row["account_sid"])
                secret = self.vault.open(row["sealed_secret"], CREDENTIAL_SECRET.at(row["holder"], row["credential"]))
                entries[account_key(sid)] = AccountEntry(
                    account_sid=sid, secrets=(SigningSecret(secret=secret.decode()),)
                )
                entries[line_key(sid, row["sender"])] = LineEntry(
                    line=LineId(row["id"]),
                    tenant=TenantId(row["tenant_id"]),
                    channel=row["channel"],
                    account_sid=sid,
                    to=row["sender"],
                    enabled=row["enabled"],
                )
        return entries
