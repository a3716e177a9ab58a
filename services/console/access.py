"""Who asks the API, and what they may: keys, bound to a tenant or the platform's, with scopes."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from shared.ids import TenantId
from shared.store.session import EVERY_TENANT, Store

KEY_PREFIX = "tlk_"
_KEY_BYTES = 32

RESOURCES = (
    "accounts", "actions", "agents", "api-keys", "audit", "bindings", "catalogue", "chats", "contacts", "conversations",
    "dead-letters", "documents", "jobs", "leads", "lines", "mcp-servers", "messages", "pairing-codes", "pipelines", "settings",
    "tenants", "trials", "turns", "users",
)  # fmt: skip
SCOPES = frozenset({f"{name}:{verb}" for name in RESOURCES for verb in ("read", "write")} | {"dead-letters:replay"})
"""What a key may be given: `resource:read`, `resource:write`, `dead-letters:replay` (product-ux.md, section 5)."""

SCOPES_OF_ROLE: Mapping[str, frozenset[str]] = {
    "SYSTEM_ADMIN": SCOPES,
    "COMPANY_ADMIN": SCOPES,
    "USER": frozenset({"pairing-codes:read", "pairing-codes:write"}),
}
"""What somebody with an account may do in the console. What is the platform's alone is so by `may(…, platform=True)`."""


@dataclass(frozen=True)
class Principal:
    """Who asks. `tenant`: whose they are; None for the platform. `id`: how the audit log names them."""

    id: str
    tenant: TenantId | None
    scopes: frozenset[str]

    @property
    def is_platform(self) -> bool:
        """Tell whether they administer the platform (SYSTEM_ADMIN)."""
        return self.tenant is None

    @property
    def sees(self) -> TenantId:
        """Return whose rows they see: their tenant's, or everybody's."""
        return EVERY_TENANT if self.tenant is None else self.tenant

    def may(self, scope: str) -> bool:
        """Tell whether they have this scope."""
        return scope in self.scopes


def of_user(user: str, tenant: TenantId, role: str) -> Principal:
    """Return who a member is: the platform's admin sees everybody's, others their own company's."""
    return Principal(f"user/{user}", None if role == "SYSTEM_ADMIN" else tenant, SCOPES_OF_ROLE[role])


def new_key() -> str:
    """Return a fresh key of 256 random bits. It is shown once; only its digest is kept."""
    return KEY_PREFIX + secrets.token_urlsafe(_KEY_BYTES)


def digest(key: str) -> str:
    """Return what a key is found by. A key has more entropy than can be tried, so a plain hash does."""
    return hashlib.sha256(key.encode()).hexdigest()


@dataclass(frozen=True)
class Doorkeeper:
    """Tells who a bearer of a key is. `console_key`: the platform's own, from the environment."""

    store: Store
    console_key: str

    async def admit(self, authorization: str) -> Principal | None:
        """Return who holds the key of an Authorization header; None for an unknown, expired or revoked one."""
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        if hmac.compare_digest(key.encode(), self.console_key.encode()):
            return Principal("key/console", None, SCOPES)
        return await self._stored(key) if key.startswith(KEY_PREFIX) else None

    async def _stored(self, key: str) -> Principal | None:
        async with self.store.connection(EVERY_TENANT) as connection:
            cursor = await connection.execute(
                """
                update api_key set last_used_at = date_trunc('minute', now())
                where digest = %s and revoked_at is null and (expires_at is null or expires_at > now())
                returning id, tenant_id, scopes
                """,
                (digest(key),),
            )
            row = await cursor.fetchone()
        if row is None:
            return None
        tenant = TenantId(row["tenant_id"]) if row["tenant_id"] else None
        return Principal(f"key/{row['id']}", tenant, frozenset(row["scopes"]) & SCOPES)
