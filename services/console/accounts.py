"""Provider accounts: their secrets are taken in, sealed, and never given out again."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg.rows import DictRow

from services.console.access import Principal
from services.console.directory import Reconciler
from services.console.records import Dangling, Deed, Records, Stale, Table, Unknown, note
from shared.channels.ports import Credentials
from shared.ids import TenantId, new_id
from shared.store.credentials import CREDENTIAL, auth_token, credentials
from shared.store.sealed import CREDENTIAL_KEY, CREDENTIAL_SECRET, SIGNING_SECRET
from shared.store.session import EVERY_TENANT, Connection, Store
from shared.vault import Vault

ACCOUNTS = Table(
    "credential",
    "cr",
    {
        "id": "id",
        "tenant": "tenant_id",
        "account_sid": "account_sid",
        "name": "name",
        "token_set_at": "set_at",
        "token_set_by": "set_by",
        "token_fingerprint": "fingerprint",
        "api_key_sid": "key_sid",
        "version": "version",
        "created_at": "created_at",
    },
)
SECRETS = Table(
    "signing_secret",
    "ss",
    {
        "id": "id",
        "tenant": "tenant_id",
        "account": "credential_id",
        "kind": "kind",
        "key_id": "key_id",
        "fingerprint": "fingerprint",
        "not_after": "not_after",
        "created_at": "created_at",
    },
)
_FINGERPRINT_DIGITS = 8
_KEEP_OLD = """
insert into signing_secret (id, tenant_id, credential_id, kind, sealed_secret, fingerprint, not_after)
values (%s, %s, %s, 'auth_token', %s, %s, now() + %s * interval '1 second')
"""


def fingerprint(secret: str) -> str:
    """Return what tells a secret from another and nothing more: it is of 128 random bits, which nobody can try."""
    return hashlib.sha256(secret.encode()).hexdigest()[:_FINGERPRINT_DIGITS]


@dataclass(frozen=True)
class NewSecret:
    """A further secret that shall count. `kind`: auth_token or shared_key."""

    kind: str
    key_id: str
    secret: str
    not_after: datetime | None


@dataclass(frozen=True)
class Accounts:
    """The accounts, and who tells ingress of them."""

    store: Store
    vault: Vault
    directory: Reconciler

    @property
    def records(self) -> Records:
        """Return the plain rows."""
        return Records(self.store, ACCOUNTS)

    async def make(self, who: Principal, tenant: TenantId, sid: str, name: str, secrets: Mapping[str, str]) -> DictRow:
        """Take an account in. `secrets`: `token`, and `key_sid` with `key` where there is an API key. Raises as Records does."""
        account = new_id(ACCOUNTS.prefix)
        async with self.store.connection(who.sees) as connection:
            await self.store.have_keys(connection, tenant)
        values = {"account_sid": sid, "name": name, **self._sealed(who, tenant, account, secrets)}
        made = await self.records.put(who, tenant, account, values)
        await self.directory.publish(sid)
        return made

    async def change(
        self, who: Principal, account: str, version: int, *, name: str | None, secrets: Mapping[str, str], keep_old: int
    ) -> DictRow:
        """
        Change an account. A token that is replaced still signs for `keep_old` seconds. Raises as Records does.

        Twilio signs with the new token from the moment of its promotion: have it accepted before (twilio.md, section 2.4).
        """
        known = await self._at(who, account, version)
        async with self.store.connection(who.sees) as connection:
            await self.store.have_keys(connection, known["tenant"])
            if "token" in secrets and keep_old:
                await self._keep(connection, known, keep_old)
        values: dict[str, Any] = self._sealed(who, known["tenant"], account, secrets)
        if name is not None:
            values["name"] = name
        changed = await self.records.change(who, account, version, values)
        await self.directory.publish(changed["account_sid"])
        return changed

    async def remove(self, who: Principal, account: str, version: int) -> None:
        """Forget an account that no line uses, with its secrets. Raises as Records does."""
        known = await self._at(who, account, version)
        async with self.store.connection(who.sees) as connection:
            await connection.execute(
                "delete from signing_secret where credential_id = %s"
                " and not exists (select 1 from line where line.credential_id = signing_secret.credential_id)",
                (account,),
            )
        await self.records.remove(who, account, version)
        await self.directory.publish(known["account_sid"])

    async def secrets(self, who: Principal, account: str) -> list[DictRow]:
        """Return what else may sign, the newest first. Raises Unknown."""
        await self.records.get(who, account)
        return await Records(self.store, SECRETS).list(who, None, 100, account=account)

    async def accept(self, who: Principal, account: str, new: NewSecret) -> DictRow:
        """Let a further secret sign, from now on. Raises Unknown."""
        known = await self.records.get(who, account)
        async with self.store.connection(who.sees) as connection:
            await self.store.have_keys(connection, known["tenant"])
        secret = new_id(SECRETS.prefix)
        values = {
            "account": account,
            "kind": new.kind,
            "key_id": new.key_id,
            "sealed_secret": self.vault.seal(new.secret.encode(), SIGNING_SECRET.at(known["tenant"], secret)),
            "fingerprint": fingerprint(new.secret),
            "not_after": new.not_after,
        }
        made = await Records(self.store, SECRETS).put(who, known["tenant"], secret, values)
        await self.directory.publish(known["account_sid"])
        return made

    async def refuse(self, who: Principal, account: str, secret: str) -> None:
        """Let a secret count no more. Raises Unknown."""
        known = await self.records.get(who, account)
        async with self.store.transaction(who.sees) as connection:
            cursor = await connection.execute(
                "delete from signing_secret where id = %s and credential_id = %s returning fingerprint",
                (secret, account),
            )
            row = await cursor.fetchone()
            if row is None:
                raise Unknown
            await note(connection, who, Deed("signing_secret.deleted", secret, known["tenant"], dict(row)))
        await self.directory.publish(known["account_sid"])

    async def credentials_of_line(self, line: str) -> Credentials:
        """Return what a line's account is called with, whoever holds it. Raises Unknown."""
        return credentials(self.vault, await self._credential_of(line))

    async def token_of_line(self, line: str) -> Credentials:
        """Return the auth token of a line's account, whoever holds it. Raises Unknown."""
        return auth_token(self.vault, await self._credential_of(line))

    async def _credential_of(self, line: str) -> DictRow:
        async with self.store.connection(EVERY_TENANT) as connection:
            cursor = await connection.execute(
                f"select {CREDENTIAL} from line join credential on credential.id = credential_id where line.id = %s",  # noqa: S608 - constants
                (line,),
            )
            row = await cursor.fetchone()
            if row is None:
                raise Unknown
            await self.store.have_keys(connection, row["holder"])
        return row

    async def own(self, who: Principal, account: str) -> None:
        """Raise Dangling for an account that the asker does not hold."""
        try:
            await self.records.get(who, account)
        except Unknown:
            raise Dangling from None

    async def sid(self, account: str) -> str:
        """Return an account's SID, whoever holds it. Raises Unknown."""
        async with self.store.connection(EVERY_TENANT) as connection:
            cursor = await connection.execute("select account_sid from credential where id = %s", (account,))
            row = await cursor.fetchone()
        if row is None:
            raise Unknown
        return str(row["account_sid"])

    async def _at(self, who: Principal, account: str, version: int) -> DictRow:
        """Return an account that is at this version. Raises Unknown, Stale."""
        known = await self.records.get(who, account)
        if known["version"] != version:
            raise Stale
        return known

    def _sealed(self, who: Principal, tenant: str, account: str, secrets: Mapping[str, str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        if token := secrets.get("token"):
            values |= {
                "sealed_secret": self.vault.seal(token.encode(), CREDENTIAL_SECRET.at(tenant, account)),
                "token_fingerprint": fingerprint(token),
                "token_set_by": who.id,
                "token_set_at": datetime.now(UTC),
            }
        if key := secrets.get("key"):
            values |= {
                "api_key_sid": secrets["key_sid"],
                "sealed_key": self.vault.seal(key.encode(), CREDENTIAL_KEY.at(tenant, account)),
            }
        return values

    async def _keep(self, connection: Connection, known: DictRow, seconds: int) -> None:
        """Let the present token sign a while longer."""
        cursor = await connection.execute("select sealed_secret from credential where id = %s", (known["id"],))
        row = await cursor.fetchone()
        assert row is not None, "it was just read"  # noqa: S101
        token = self.vault.open(row["sealed_secret"], CREDENTIAL_SECRET.at(known["tenant"], known["id"]))
        kept = new_id(SECRETS.prefix)
        sealed = self.vault.seal(token, SIGNING_SECRET.at(known["tenant"], kept))
        await connection.execute(
            _KEEP_OLD, (kept, known["tenant"], known["id"], sealed, fingerprint(token.decode()), seconds)
        )
