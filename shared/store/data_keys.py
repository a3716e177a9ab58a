"""
Data keys: one or more for each tenant, made here, wrapped by the ring and kept in the table `data_key`.

Sealing is synchronous, in the middle of transactions, so the keys have to be in memory before. The store asks for those of
the tenants that a unit of work names; whoever finds out later whose rows it needs asks for them itself, or is told `Later`
when it is at the first of them, and they are there the next time.
"""

import secrets
from collections.abc import Iterable, Sequence

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.failures import SEALED_UNREADABLE, GatewayError, Later
from shared.keyring import KEY_BYTES
from shared.store.session import Connection, in_transaction
from shared.vault import Vault, place

_MOST = 20_000
"""Tenants whose keys are kept in memory: some 25 MB."""

_AGAIN = 0.1
"""Seconds until a unit of work makes sense again for which a key was not at hand."""

Unwrapped = dict[int, AESGCM | None]


def wrap_place(tenant: str, number: int) -> str:
    """Return the context that a wrapped data key is bound to."""
    return place(tenant, "data_key", number)


class DataKeys:
    """The data keys that are at hand, the longest unused forgotten first."""

    def __init__(self, ring: Vault, most: int = _MOST) -> None:
        self._ring = ring
        self._most = most
        self._tenants: dict[str, Unwrapped] = {}
        self._missed: set[str] = set()

    def lacking(self, tenants: Iterable[str]) -> list[str]:
        """Return which of these tenants' keys are to be read, with those that were missed since the last time."""
        return [tenant for tenant in dict.fromkeys((*tenants, *self._missed)) if not self._touch(tenant)]

    async def ensure(self, connection: Connection, *tenants: str) -> None:
        """
        Have the data keys of these tenants at hand, making the first where a tenant has none.

        The connection must see these tenants' rows, and be in no transaction: a key that is rolled back must not have
        sealed anything. A key that cannot be unwrapped fails where it is needed.
        """
        absent = await self._read(connection, tenants)
        if absent:
            await self._make(connection, absent)
            await self._read(connection, absent)

    async def fetch(self, connection: Connection, *tenants: str) -> None:
        """Have the data keys of these tenants at hand. Raises `Later` where one has none that is to be seen from here."""
        if absent := await self._read(connection, tenants):
            self._missed.update(absent)
            raise Later(_AGAIN)

    def newest(self, tenant: str) -> tuple[int, AESGCM]:
        """
        Return the data key that seals, with its number.

        Raises `Later` where it is not at hand, `GatewayError(SEALED_UNREADABLE)` where the ring cannot unwrap it.
        """
        unwrapped = self._at_hand(tenant)
        number = max(unwrapped)
        cipher = unwrapped[number]
        if cipher is None:
            self._missed.add(tenant)
            raise GatewayError(SEALED_UNREADABLE)
        return number, cipher

    def find(self, tenant: str, number: int) -> AESGCM | None:
        """
        Return a data key by its number. Raises `Later` where no key of the tenant is at hand.

        A number that is not known may be new: the tenant's keys are read again with the next unit of work.
        """
        cipher = self._at_hand(tenant).get(number)
        if cipher is None:
            self._missed.add(tenant)
        return cipher

    def _at_hand(self, tenant: str) -> Unwrapped:
        if (unwrapped := self._tenants.get(tenant)) is None:
            self._missed.add(tenant)
            raise Later(_AGAIN)
        return unwrapped

    def _touch(self, tenant: str) -> bool:
        """Tell whether a tenant's keys are at hand, and make them the last to be forgotten."""
        if tenant in self._missed or (unwrapped := self._tenants.get(tenant)) is None:
            return False
        self._keep(tenant, unwrapped)
        return True

    def _keep(self, tenant: str, unwrapped: Unwrapped) -> None:
        self._tenants.pop(tenant, None)
        self._tenants[tenant] = unwrapped
        while len(self._tenants) > self._most:
            del self._tenants[next(iter(self._tenants))]

    async def _read(self, connection: Connection, tenants: Iterable[str]) -> list[str]:
        """Read the keys that are not at hand, and return whose are not there."""
        absent = [tenant for tenant in dict.fromkeys(tenants) if not self._touch(tenant)]
        if not absent:
            return []
        cursor = await connection.execute(
            "select tenant_id, number, wrapped from data_key where tenant_id = any(%s)", (absent,)
        )
        found: dict[str, Unwrapped] = {}
        for row in await cursor.fetchall():
            tenant, number = row["tenant_id"], row["number"]
            found.setdefault(tenant, {})[number] = self._unwrap(row["wrapped"], wrap_place(tenant, number))
        for tenant, unwrapped in found.items():
            self._keep(tenant, unwrapped)
            self._missed.discard(tenant)
        return [tenant for tenant in absent if tenant not in found]

    async def _make(self, connection: Connection, tenants: Sequence[str]) -> None:
        """Insert first keys; of two processes that do so at once, one key stays."""
        if in_transaction(connection):
            raise RuntimeError("a data key is made, and committed, before the transaction that seals with it")
        await connection.execute(
            """
            insert into data_key (tenant_id, number, key_id, wrapped)
            select tenant, 1, %s, wrapped from unnest(%s::text[], %s::bytea[]) as made (tenant, wrapped)
            order by tenant on conflict do nothing
            """,
            (
                self._ring.newest,
                list(tenants),
                [self._ring.seal(secrets.token_bytes(KEY_BYTES), wrap_place(tenant, 1)) for tenant in tenants],
            ),
        )

    def _unwrap(self, wrapped: bytes, context: str) -> AESGCM | None:
        try:
            return AESGCM(self._ring.open(wrapped, context))
        except (GatewayError, ValueError):
            return None
