"""Signing in: password, then the second factor; slower after failures, and the same for whoever does not exist."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from psycopg.rows import DictRow

from services.console import passwords, second_factor
from services.console.access import Principal, of_user
from services.console.oidc import NotProven, Provider, Try
from services.console.records import Deed, note
from services.console.sessions import Session, Sessions, Stage, digest
from shared.ids import TenantId
from shared.store.sealed import TOTP_SECRET
from shared.store.session import EVERY_TENANT, Connection, Store
from shared.vault import Vault

_FREE = 5
"""Failures after which one has to wait; so many are forgotten after `_FORGOTTEN`."""
_FORGOTTEN = "15 minutes"
_FIRST_WAIT = 12
_LONGEST_WAIT = 300
"""Seconds; five a minute at first, then ever slower, and never shut out."""

_NOBODY = Principal("nobody", None, frozenset())
_WHO = """
select app_user.id, app_user.tenant_id, app_user.role, password_hash, totp_at
from app_user left join user_sign_in on user_sign_in.user_id = app_user.id
where lower(email) = lower(%s) and disabled_at is null
"""
_WAIT = f"""
select ceil(extract(epoch from last_at
  + least({_LONGEST_WAIT}, {_FIRST_WAIT} * 2.0 ^ (failures - {_FREE})) * interval '1 second' - now()))::int as seconds
from refused_sign_in where key = %s and failures >= {_FREE} and last_at > now() - interval '{_FORGOTTEN}'
"""  # noqa: S608 - constants
_FAILED = f"""
insert into refused_sign_in as old (key, failures) values (%s, 1) on conflict (key) do update set last_at = now(),
failures = case when old.last_at < now() - interval '{_FORGOTTEN}' then 1 else least(old.failures + 1, 20) end
"""  # noqa: S608 - constants


class WrongSignIn(Exception):
    """The name, the password or the code is wrong; nobody learns which."""


class Wait(Exception):
    """There were too many failures. `seconds`: until the next try."""

    def __init__(self, seconds: int) -> None:
        super().__init__("too many failures")
        self.seconds = seconds


class Begun(NamedTuple):
    """A session that began: the secret of its cookie, and what is still asked for."""

    secret: str
    stage: Stage


@dataclass(frozen=True)
class SignIn:
    """
    Lets people in. `key`: keys the digests of who failed.

    `second_factor_for`: roles that have to have one. `provider`: where people sign in instead; None where none is set up.
    """

    store: Store
    vault: Vault
    sessions: Sessions
    key: bytes
    second_factor_for: frozenset[str] = frozenset()
    provider: Provider | None = None

    async def with_password(self, email: str, password: str, address: str) -> Begun:
        """Begin a session. `address`: where the request came from. Raises WrongSignIn, Wait."""
        tried = self._tried(email, address)
        async with self.store.connection(EVERY_TENANT) as connection:
            await _may_try(connection, tried)
            row = await (await connection.execute(_WHO, (email.strip(),))).fetchone()
        kept = row["password_hash"] if row else None
        if not await passwords.fits(password, kept) or row is None:
            await self._refuse(tried, row)
            raise WrongSignIn
        return await self._begin(row, tried, "code" if row["totp_at"] else self.stage_without(row["role"]))

    async def with_provider(self, trying: Try, answer: Mapping[str, str], address: str) -> Begun:
        """
        Begin a session of whoever the provider vouches for, if they have an account: none is made here.

        `answer`: what the browser came back with. A second factor of ours is asked for where they have one and the provider asked
        for none. Raises WrongSignIn, Wait, ProviderDown.
        """
        assert self.provider is not None, "the page is there with one alone"  # noqa: S101
        tried = self._tried("", address)
        async with self.store.connection(EVERY_TENANT) as connection:
            await _may_try(connection, tried)
        try:
            identity = await self.provider.identity(trying, answer)
        except NotProven as why:
            await self._refuse(tried, None, provider=why.reason)
            raise WrongSignIn from None
        async with self.store.connection(EVERY_TENANT) as connection:
            row = await (await connection.execute(_WHO, (identity.email.strip(),))).fetchone()
        if row is None:
            await self._refuse(tried, None, provider="no_account")
            raise WrongSignIn
        stage: Stage = "code" if row["totp_at"] and not identity.has_second_factor else "whole"
        return await self._begin(row, tried, stage, by="provider")

    async def with_code(self, session: Session, code: str, address: str) -> Begun:
        """Take the second factor of a session that waits for it, under a new id. Raises WrongSignIn, Wait."""
        tried = self._tried(session.user, address)
        async with self.store.connection(EVERY_TENANT) as connection:
            await _may_try(connection, tried)
        row = {"id": session.user, "tenant_id": session.tenant, "role": session.role}
        async with self.store.transaction(EVERY_TENANT, session.tenant) as connection:
            right = await self._take_code(connection, session, code)
            if right:
                await connection.execute("delete from user_session where digest = %s", (digest(session.secret),))
                secret = await self._whole(connection, row, tried, "whole", "code")
        if not right:
            await self._refuse(tried, row)
            raise WrongSignIn
        return Begun(secret, "whole")

    def stage_without(self, role: str) -> Stage:
        """Return how far somebody is who has no second factor."""
        return "enrol" if role in self.second_factor_for else "whole"

    async def _begin(self, row: DictRow, tried: str, stage: Stage, by: str = "password") -> Begun:
        async with self.store.transaction(EVERY_TENANT) as connection:
            if stage == "code":
                return Begun(await self.sessions.begin(connection, row["id"], row["tenant_id"], stage), stage)
            return Begun(await self._whole(connection, row, tried, stage, by), stage)

    async def _whole(self, connection: Connection, row: DictRow, tried: str, stage: Stage, by: str) -> str:
        await connection.execute("delete from refused_sign_in where key = %s", (tried,))
        who = of_user(row["id"], TenantId(row["tenant_id"]), row["role"])
        await note(connection, who, Deed("session.begun", row["id"], row["tenant_id"], after={"by": by}))
        return await self.sessions.begin(connection, row["id"], row["tenant_id"], stage)

    async def _take_code(self, connection: Connection, session: Session, code: str) -> bool:
        cursor = await connection.execute(
            "select sealed_totp, totp_step, recovery_codes from user_sign_in where user_id = %s and totp_at is not null for update",
            (session.user,),
        )
        row = await cursor.fetchone()
        if row is None:
            return False
        secret = self.vault.open(row["sealed_totp"], TOTP_SECRET.at(session.tenant, session.user))
        step = second_factor.step_of(secret, code, row["totp_step"])
        left = [kept for kept in row["recovery_codes"] if kept != second_factor.recovery_digest(code)]
        if step is None and len(left) == len(row["recovery_codes"]):
            return False
        await connection.execute(
            "update user_sign_in set totp_step = %s, recovery_codes = %s where user_id = %s",
            (step or row["totp_step"], left, session.user),
        )
        return True

    async def _refuse(self, tried: str, row: DictRow | None, **why: str) -> None:
        """Count a failure. Nobody is named whom there is not: people type passwords into the wrong field."""
        async with self.store.transaction(EVERY_TENANT) as connection:
            await connection.execute(_FAILED, (tried,))
            whom, tenant = (row["id"], row["tenant_id"]) if row else ("nobody", None)
            await note(connection, _NOBODY, Deed("sign_in.refused", whom, tenant, after=why or None))

    def _tried(self, account: str, address: str) -> str:
        return hmac.digest(self.key, f"{account.strip().lower()}\0{address}".encode(), hashlib.sha256).hex()


async def _may_try(connection: Connection, tried: str) -> None:
    row = await (await connection.execute(_WAIT, (tried,))).fetchone()
    if row is not None and row["seconds"] > 0:
        raise Wait(row["seconds"])
