"""Pairing codes: made here, spent by the router."""

from dataclasses import dataclass
from datetime import datetime

from shared.addresses import Pepper, new_pair_code
from shared.ids import TenantId, new_id
from shared.store.session import Store


@dataclass(frozen=True)
class PairingCode:
    """A code to be sent as `/pair CODE`, once, until it expires."""

    code: str
    expires_at: datetime
    user: str


class UserUnknown(Exception):
    """There is no such user."""


class TooManyCodes(Exception):
    """The user made as many codes in the last hour as allowed. `again_at`: when the next may be made."""

    def __init__(self, again_at: datetime) -> None:
        super().__init__("too many codes")
        self.again_at = again_at


@dataclass(frozen=True)
class PairingCodes:
    """Makes codes. Times are the database's."""

    store: Store
    pepper: Pepper
    ttl_ms: int
    rate: int

    async def make(self, sees: TenantId, email: str) -> PairingCode:
        """Make a code for a user whom the asker may know of. Raises UserUnknown, TooManyCodes."""
        code = new_pair_code()
        async with self.store.transaction(sees) as connection:
            cursor = await connection.execute(
                "select id, tenant_id from app_user where lower(email) = lower(%s) and disabled_at is null for update",
                (email,),
            )
            user = await cursor.fetchone()
            if user is None:
                raise UserUnknown
            cursor = await connection.execute(
                """
                select created_at + interval '1 hour' as again_at from pair_code
                where user_id = %s and created_at > now() - interval '1 hour'
                order by created_at desc offset %s limit 1
                """,
                (user["id"], self.rate - 1),
            )
            if (full := await cursor.fetchone()) is not None:
                raise TooManyCodes(full["again_at"])
            cursor = await connection.execute(
                """
                insert into pair_code (id, tenant_id, user_id, digest, expires_at)
                values (%s, %s, %s, %s, now() + %s * interval '1 millisecond') returning expires_at
                """,
                (new_id("pc"), user["tenant_id"], user["id"], self.pepper.code_digest(code), self.ttl_ms),
            )
            made = await cursor.fetchone()
        assert made is not None, "an insert returns its row"  # noqa: S101
        return PairingCode(code, made["expires_at"], email)
