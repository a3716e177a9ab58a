"""Sessions of the console: who a browser is, for how long (safety.md, section 2, row "Admin console")."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Literal

from services.console.access import Principal, of_user
from services.console.records import Deed, note
from shared.ids import TenantId
from shared.store.session import EVERY_TENANT, Connection, Store

Stage = Literal["code", "enrol", "whole"]
"""`code`: the second factor is still asked for; `enrol`: one has to be set up first; `whole`: signed in."""

_ID_BYTES = 32
_IDLE = "30 minutes"
_ABSOLUTE = "12 hours"
_HALF_WAY = "10 minutes"
"""How long a sign-in may stay between its two factors."""

_LIVES = f"""
user_session.seen_at > now() - interval '{_IDLE}' and user_session.created_at > now() - interval '{_ABSOLUTE}'
and (user_session.stage <> 'code' or user_session.created_at > now() - interval '{_HALF_WAY}')
"""
_FIND = f"""
select user_session.stage, user_session.seen_at < now() - interval '1 minute' as is_stale, app_user.id, app_user.tenant_id,
       app_user.email, app_user.name, app_user.role, user_sign_in.totp_at is not null as has_second_factor
from user_session join app_user on app_user.id = user_session.user_id
left join user_sign_in on user_sign_in.user_id = app_user.id
where user_session.digest = %s and app_user.disabled_at is null and {_LIVES}
"""  # noqa: S608 - constants


@dataclass(frozen=True)
class Session:
    """A browser in which somebody signed in. `tenant`: the company that they belong to, the platform's admin too."""

    secret: str
    stage: Stage
    user: str
    tenant: TenantId
    email: str
    name: str
    role: str
    has_second_factor: bool

    @property
    def principal(self) -> Principal:
        """Who it is, for the domain's functions and the audit log."""
        return of_user(self.user, self.tenant, self.role)

    @property
    def form_token(self) -> str:
        """What each form of this session carries: it follows from the cookie, which no other site can read."""
        return hmac.digest(self.secret.encode(), b"form", hashlib.sha256).hex()


def digest(secret: str) -> str:
    """Return what a session is found by. Its id has more entropy than can be tried, so a plain hash does."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True)
class Sessions:
    """Begins, finds and ends them. Times are the database's."""

    store: Store

    async def find(self, secret: str, *, is_busy: bool = True) -> Session | None:
        """
        Return the session of a cookie; None for one that is unknown, over, or of somebody who was shut out.

        `is_busy`: somebody does something; a page that only stays open does not keep its session.
        """
        async with self.store.connection(EVERY_TENANT) as connection:
            row = await (await connection.execute(_FIND, (digest(secret),))).fetchone()
            if row is None:
                return None
            if row.pop("is_stale") and is_busy:
                await connection.execute("update user_session set seen_at = now() where digest = %s", (digest(secret),))
        return Session(
            secret=secret,
            stage=row["stage"],
            user=row["id"],
            tenant=TenantId(row["tenant_id"]),
            email=row["email"],
            name=row["name"],
            role=row["role"],
            has_second_factor=row["has_second_factor"],
        )

    async def begin(self, connection: Connection, user: str, tenant: str, stage: Stage) -> str:
        """Begin one and return its secret, within the transaction that let somebody in. Sweeps what is over."""
        secret = secrets.token_urlsafe(_ID_BYTES)
        await connection.execute(f"delete from user_session where not ({_LIVES})")  # noqa: S608 - constants
        await connection.execute(
            "insert into user_session (digest, tenant_id, user_id, stage) values (%s, %s, %s, %s)",
            (digest(secret), tenant, user, stage),
        )
        return secret

    async def end(self, session: Session) -> None:
        """Sign out."""
        async with self.store.transaction(EVERY_TENANT) as connection:
            await connection.execute("delete from user_session where digest = %s", (digest(session.secret),))
            await note(connection, session.principal, Deed("session.ended", session.user, session.tenant))


async def end_all(connection: Connection, user: str) -> None:
    """End every session of somebody who is shut out, or whose password changed."""
    await connection.execute("delete from user_session where user_id = %s", (user,))
