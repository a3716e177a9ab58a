"""Two companies, and keys of all kinds."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass

import pytest

from services.console.access import SCOPES, digest, new_key
from services.console.settings import ConsoleSettings
from shared.addresses import Pepper
from shared.ids import TenantId, new_id
from shared.store.session import Store
from shared.vault import Vault
from tests.services.console.api.past import Past
from tests.services.console.conftest import KEY, Client, OpenConsole

ONE, OTHER = "tn_one", "tn_other"


@dataclass(frozen=True)
class Asker:
    """Somebody with a key. Answers are httpx2's."""

    client: Client
    key: str

    async def ask(self, method: str, path: str, **more: object):  # type: ignore[no-untyped-def]  # noqa: ANN201
        headers = {"Authorization": f"Bearer {self.key}", **dict(more.pop("headers", {}))}  # type: ignore[call-overload]
        return await self.client.request(method, f"/v1/{path}", headers=headers, **more)  # type: ignore[arg-type]


MakeAsker = Callable[..., Awaitable[Asker]]


@pytest.fixture
async def web(opened: OpenConsole, seeded: ConsoleSettings, store: Store) -> AsyncIterator[Client]:
    async with store.connection() as connection:
        for tenant in (ONE, OTHER):
            await connection.execute("insert into tenant (id, name) values (%s, %s)", (tenant, tenant))
    async with opened(seeded) as client:
        yield client


@pytest.fixture
def asker(web: Client, store: Store) -> MakeAsker:
    """Make a key of a tenant, or of the platform (None), with some scopes, else all."""

    async def make(tenant: str | None = ONE, scopes: Collection[str] = SCOPES, lives: str = "1 hour") -> Asker:
        key = new_key()
        async with store.connection() as connection:
            await connection.execute(
                "insert into api_key (id, tenant_id, name, digest, scopes, expires_at)"
                " values (%s, %s, 'test', %s, %s, now() + %s::interval)",
                (new_id("ak"), tenant, digest(key), sorted(scopes), lives),
            )
        return Asker(web, key)

    return make


@pytest.fixture
def platform(web: Client) -> Asker:
    """Whoever holds the console's own key."""
    return Asker(web, KEY)


@pytest.fixture
async def past(web: Client, store: Store, vault: Vault, pepper: Pepper) -> Past:
    """What happened to the first company."""
    return await Past(store, vault, pepper, TenantId(ONE)).plant()


@pytest.fixture
async def others_past(web: Client, store: Store, vault: Vault, pepper: Pepper) -> Past:
    """What happened to the other company, with the same person."""
    return await Past(store, vault, pepper, TenantId(OTHER)).plant()


@pytest.fixture
async def admin(asker: MakeAsker) -> Asker:
    """An admin of the first company."""
    return await asker(ONE)
