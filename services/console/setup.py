"""First run, and every later time that somebody needs a way in: a token, which works once, and what they set up with it."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow

from services.console import passwords, second_factor
from services.console.access import Principal, of_user
from services.console.oidc import Provider
from services.console.records import Deed, note
from services.console.seed import USER_EMAIL
from services.console.sessions import Session, Sessions, end_all
from services.console.sign_in import Begun, SignIn
from shared.ids import TenantId
from shared.store.sealed import TOTP_SECRET
from shared.store.session import EVERY_TENANT, Store
from shared.vault import Vault

_TOKEN_BYTES = 32
_LIVES = "24 hours"


class UserUnknown(Exception):
    """There is no such user."""


class AlreadySetUp(Exception):
    """An admin of the platform can sign in already."""


class TokenUnknown(Exception):
    """The token is wrong, was used, or is too old."""


class EmailTaken(Exception):
    """Another user has this address."""


class WrongCode(Exception):
    """The authenticator shows another code."""


@dataclass(frozen=True)
class SetupToken:
    """What lets a user choose a password. It is shown once; only its digest is kept."""

    token: str
    user: str
    expires_at: datetime


@dataclass(frozen=True)
class Setup:
    """Makes tokens and takes them; sets up second factors."""

    store: Store
    vault: Vault
    sign_in: SignIn

    async def token(self, who: Principal, email: str | None, *, first_run: bool = False) -> SetupToken:
        """Make a token for a user, else the first one; earlier ones end. Raises UserUnknown, AlreadySetUp for a first run."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        async with self.store.transaction(EVERY_TENANT) as connection:
            if first_run and await (await connection.execute(_CAN_SIGN_IN)).fetchone():
                raise AlreadySetUp
            user = await (await connection.execute(_USER, {"email": email})).fetchone()
            if user is None:
                raise UserUnknown
            await connection.execute("delete from setup_token where user_id = %s", (user["id"],))
            cursor = await connection.execute(
                f"""
                insert into setup_token (digest, tenant_id, user_id, expires_at) values (%s, %s, %s, now() + interval '{_LIVES}')
                returning expires_at
                """,  # noqa: S608 - constants
                (_digest(token), user["tenant_id"], user["id"]),
            )
            made = await cursor.fetchone()
            await note(connection, who, Deed("setup_token.created", user["id"], user["tenant_id"]))
        assert made is not None, "an insert returns its row"  # noqa: S101
        return SetupToken(token, user["email"], made["expires_at"])

    async def is_first_run(self) -> bool:
        """Tell whether no admin of the platform can sign in yet."""
        async with self.store.connection(EVERY_TENANT) as connection:
            return await (await connection.execute(_CAN_SIGN_IN)).fetchone() is None

    async def take(self, token: str, email: str, name: str, password: str) -> Begun:
        """
        Spend a token: keep the password and begin a session.

        The seeded admin's address becomes `email`; anybody else's has to be theirs.
        Raises TooShort, TooCommon, TokenUnknown, EmailTaken.
        """
        passwords.check(password)
        kept = await passwords.hashed(password)
        try:
            async with self.store.transaction(EVERY_TENANT) as connection:
                cursor = await connection.execute(
                    _SPEND, {"digest": _digest(token), "email": email, "seeded": USER_EMAIL}
                )
                user = await cursor.fetchone()
                if user is None:
                    raise TokenUnknown
                await connection.execute(
                    "update app_user set email = lower(%s), name = coalesce(nullif(%s, ''), name), version = version + 1 where id = %s",
                    (email, name, user["id"]),
                )
                await connection.execute(_KEPT, (user["id"], user["tenant_id"], kept))
                await end_all(connection, user["id"])
                who = of_user(user["id"], TenantId(user["tenant_id"]), user["role"])
                await note(connection, who, Deed("password.set", user["id"], user["tenant_id"]))
                stage = "code" if user["totp_at"] else self.sign_in.stage_without(user["role"])
                return Begun(await self.sign_in.sessions.begin(connection, user["id"], user["tenant_id"], stage), stage)
        except UniqueViolation:
            raise EmailTaken from None

    async def change_password(self, session: Session, old: str, new: str, address: str) -> Begun:
        """
        Keep another password and begin a session; all others end. `address`: where the request came from.

        Raises TooShort, TooCommon; WrongSignIn, Wait as signing in does, which the old password has to be good for.
        """
        passwords.check(new)
        kept = await passwords.hashed(new)
        await self.sign_in.with_password(session.email, old, address)
        async with self.store.transaction(EVERY_TENANT, session.tenant) as connection:
            await connection.execute(_KEPT, (session.user, session.tenant, kept))
            await end_all(connection, session.user)
            await note(connection, session.principal, Deed("password.set", session.user, session.tenant))
            secret = await self.sign_in.sessions.begin(connection, session.user, session.tenant, "whole")
        return Begun(secret, "whole")

    async def offer_second_factor(self, session: Session) -> bytes:
        """Return the secret of the second factor that somebody is setting up; a fresh one at the first time."""
        at = TOTP_SECRET.at(session.tenant, session.user)
        sealed = self.vault.seal(second_factor.new_secret(), at)
        async with self.store.transaction(EVERY_TENANT, session.tenant) as connection:
            cursor = await connection.execute(_OFFER, (session.user, session.tenant, sealed))
            row = await cursor.fetchone()
        assert row is not None, "an upsert returns its row"  # noqa: S101
        return self.vault.open(row["sealed_totp"], at)

    async def confirm_second_factor(self, session: Session, code: str) -> tuple[list[str], Begun]:
        """Let the second factor be in force; return the recovery codes and a new session. Raises WrongCode."""
        codes = second_factor.new_recovery_codes()
        async with self.store.transaction(EVERY_TENANT, session.tenant) as connection:
            cursor = await connection.execute(
                "select sealed_totp from user_sign_in where user_id = %s and totp_at is null for update",
                (session.user,),
            )
            row = await cursor.fetchone()
            if row is None or (step := self._step(session, row, code)) is None:
                raise WrongCode
            await connection.execute(
                "update user_sign_in set totp_at = now(), totp_step = %s, recovery_codes = %s where user_id = %s",
                (step, [second_factor.recovery_digest(it) for it in codes], session.user),
            )
            await note(connection, session.principal, Deed("second_factor.set", session.user, session.tenant))
            await end_all(connection, session.user)
            secret = await self.sign_in.sessions.begin(connection, session.user, session.tenant, "whole")
        return codes, Begun(secret, "whole")

    def _step(self, session: Session, row: DictRow, code: str) -> int | None:
        if row["sealed_totp"] is None:
            return None
        secret = self.vault.open(row["sealed_totp"], TOTP_SECRET.at(session.tenant, session.user))
        return second_factor.step_of(secret, code, 0)


def open_setup(
    store: Store, vault: Vault, console_key: str, *, is_production: bool, provider: Provider | None = None
) -> Setup:
    """Return the ways into the console. In production the platform's admins have to have a second factor."""
    key = hmac.digest(console_key.encode(), b"sign-in", hashlib.sha256)
    needing = frozenset({"SYSTEM_ADMIN"} if is_production else ())
    return Setup(store, vault, SignIn(store, vault, Sessions(store), key, needing, provider))


def _digest(token: str) -> str:
    return hashlib.sha256(token.strip().encode()).hexdigest()


_CAN_SIGN_IN = """
select 1 from app_user join user_sign_in on user_sign_in.user_id = app_user.id
where role = 'SYSTEM_ADMIN' and disabled_at is null and password_hash is not null limit 1
"""
_USER = """
select id, tenant_id, email from app_user
where disabled_at is null and (lower(email) = lower(%(email)s) or (%(email)s::text is null and role = 'SYSTEM_ADMIN'))
order by created_at, id limit 1
"""
_SPEND = """
delete from setup_token using app_user left join user_sign_in on user_sign_in.user_id = app_user.id
where digest = %(digest)s and expires_at > now() and app_user.id = setup_token.user_id and disabled_at is null
  and (app_user.email = %(seeded)s or lower(app_user.email) = lower(%(email)s))
returning app_user.id, app_user.tenant_id, role, totp_at
"""
_KEPT = """
insert into user_sign_in (user_id, tenant_id, password_hash) values (%s, %s, %s)
on conflict (user_id) do update set password_hash = excluded.password_hash, changed_at = now()
"""
_OFFER = """
insert into user_sign_in as old (user_id, tenant_id, sealed_totp) values (%s, %s, %s)
on conflict (user_id) do update set sealed_totp = coalesce(old.sealed_totp, excluded.sealed_totp)
returning sealed_totp
"""
