"""Keeps ingress's directory equal to the tables: accounts with their secrets, and lines, sealed in NATS."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from psycopg.rows import DictRow

from shared.bus import Bus
from shared.directory import AccountEntry, LineEntry, SigningSecret, account_key, line_key, open_entry, seal_entry
from shared.failures import GatewayError
from shared.ids import AccountSid, LineId, TenantId
from shared.store.sealed import CREDENTIAL_SECRET, SIGNING_SECRET
from shared.store.session import EVERY_TENANT, Store
from shared.telemetry import SWEEP_FAILED, log
from shared.vault import Vault, ring_key

_EVERY = 30.0
_RETRY = 1.0

_ACCOUNTS = """
select id, tenant_id as holder, account_sid, sealed_secret from credential where %(sid)s::text is null or account_sid = %(sid)s
"""
_SECRETS = """
select signing_secret.id, signing_secret.tenant_id as holder, account_sid, kind, key_id, signing_secret.sealed_secret, not_after
from signing_secret join credential on credential.id = credential_id
where (not_after is null or not_after > now()) and (%(sid)s::text is null or account_sid = %(sid)s)
order by signing_secret.id
"""
_LINES = """
select line.id, line.tenant_id, channel, sender, messaging_service_sid, enabled, account_sid
from line join credential on credential.id = credential_id where %(sid)s::text is null or account_sid = %(sid)s
"""

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
            await self._write(key, entry, stored.get(key))
        for key in stored.keys() - wanted.keys():
            await self.bus.config.remove(key)

    async def publish(self, account: str, gone: Sequence[str] = ()) -> None:
        """
        Tell every ingress now of one account and its lines. `gone`: keys of lines that it may have no more.

        What cannot be told now is told by the next pass.
        """
        with suppress(Exception):
            wanted = await self._wanted(account)
            for key, entry in wanted.items():
                await self._write(key, entry, await self.bus.config.get(key))
            for key in {account_key(account), *gone} - wanted.keys():
                await self.bus.config.remove(key)

    async def _write(self, key: str, entry: AccountEntry | LineEntry, stored: bytes | None) -> None:
        if self._opened(key, stored) != entry:
            await self.bus.config.put(key, seal_entry(self.vault, key, entry))

    def _opened(self, key: str, sealed: bytes | None) -> AccountEntry | LineEntry | None:
        """Return an entry; None for one that is to be written anew, because nobody can read it or an older key sealed it."""
        if sealed is None or (ring_key(sealed) or 0) < self.vault.newest:
            return None
        try:
            return open_entry(self.vault, key, sealed)
        except (GatewayError, ValueError):
            return None

    async def _wanted(self, account: str | None = None) -> Entries:
        """Return what the tables say, of every account or of one."""
        async with self.store.connection(EVERY_TENANT) as connection:
            found = [
                await (await connection.execute(query, {"sid": account})).fetchall()
                for query in (_ACCOUNTS, _SECRETS, _LINES)
            ]
            accounts, secrets, lines = found
            await self.store.have_keys(connection, *{row["holder"] for row in (*accounts, *secrets)})
        return {**self._accounts(accounts, secrets), **dict(_lines(lines))}

    def _accounts(self, accounts: Iterable[DictRow], secrets: Iterable[DictRow]) -> Entries:
        accepted: dict[str, list[SigningSecret]] = {}
        for row in accounts:
            secret = self.vault.open(row["sealed_secret"], CREDENTIAL_SECRET.at(row["holder"], row["id"]))
            accepted[row["account_sid"]] = [SigningSecret(secret=secret.decode())]
        for row in (row for row in secrets if row["account_sid"] in accepted):  # one that has just come waits a pass
            secret = self.vault.open(row["sealed_secret"], SIGNING_SECRET.at(row["holder"], row["id"]))
            accepted[row["account_sid"]].append(
                SigningSecret(
                    kind=row["kind"], key_id=row["key_id"], secret=secret.decode(), not_after=row["not_after"]
                )
            )
        return {
            account_key(sid): AccountEntry(account_sid=AccountSid(sid), secrets=tuple(them))
            for sid, them in accepted.items()
        }


def line_keys(account: str, sender: str, service: str | None) -> list[str]:
    """Return the keys under which a line is found: by its address, and by its messaging service."""
    return [line_key(account, ours) for ours in (sender, service) if ours]


def _lines(lines: Iterable[DictRow]) -> Iterable[tuple[str, LineEntry]]:
    """Yield lines by their keys. A messaging service of several lines stands for the first of them."""
    for row in sorted(lines, key=lambda row: row["id"], reverse=True):
        entry = LineEntry(
            line=LineId(row["id"]),
            tenant=TenantId(row["tenant_id"]),
            channel=row["channel"],
            account_sid=AccountSid(row["account_sid"]),
            to=row["sender"],
            enabled=row["enabled"],
        )
        for key in line_keys(row["account_sid"], row["sender"], row["messaging_service_sid"]):
            yield key, entry
