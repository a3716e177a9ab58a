"""People who have the console open: a browser's cookies, forms with their token, without the browser."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import httpx2
import pytest
from argon2 import PasswordHasher

from services.console import passwords
from services.console.access import Principal
from services.console.settings import ConsoleSettings
from services.console.setup import Setup, open_setup
from shared.addresses import Pepper
from shared.ids import TenantId
from shared.store.session import Store
from shared.vault import Vault
from tests.services.console.api.past import Past
from tests.services.console.conftest import KEY, Client, OpenConsole

PASSWORD = "seven green lanterns"
HERE = "http://console.invalid"
ONE, OTHER = "tn_one", "tn_other"

_TOKEN = re.compile(r'name="form-token" content="([0-9a-f]+)"')


@dataclass
class Visitor:
    """A browser. `token`: what its forms carry."""

    client: Client
    token: str = ""

    async def get(self, path: str, **more: object) -> httpx2.Response:
        answer: httpx2.Response = await self.client.get(path, **more)  # type: ignore[arg-type]
        if (found := _TOKEN.search(answer.text)) is not None:
            self.token = found[1]
        return answer

    async def post(self, path: str, origin: str = HERE, **fields: str) -> httpx2.Response:
        """Send a form as its page does."""
        form = {"token": self.token, **fields}
        answer: httpx2.Response = await self.client.post(path, data=form, headers={"Origin": origin})
        return answer

    async def sign_in(self, email: str, password: str = PASSWORD) -> httpx2.Response:
        answer = await self.post("/sign-in", email=email, password=password)
        await self.get("/account/second-factor")
        return answer


SignedIn = Callable[..., Awaitable[Visitor]]
Account = Callable[..., Awaitable[str]]

_IN_EARNEST = passwords._HASHER
_IN_PASSING = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(autouse=True)
def hashed_in_passing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever only has to be signed in need not wait for what makes guessing slow."""
    monkeypatch.setattr(passwords, "_HASHER", _IN_PASSING)


@pytest.fixture
def hashed_in_earnest(hashed_in_passing: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of just that."""
    monkeypatch.setattr(passwords, "_HASHER", _IN_EARNEST)
    passwords._nobodys.cache_clear()


@pytest.fixture
async def setup(console_store: Store, vault: Vault) -> Setup:
    return open_setup(console_store, vault, KEY, is_production=True)


@pytest.fixture
async def web(opened: OpenConsole, local: ConsoleSettings, store: Store) -> AsyncIterator[Client]:
    """A local console, and two companies."""
    async with store.connection() as connection:
        for tenant in (ONE, OTHER):
            await connection.execute("insert into tenant (id, name) values (%s, %s)", (tenant, tenant))
    async with opened(local) as client:
        client.base_url = httpx2.URL(HERE)
        yield client


@pytest.fixture
async def local(seeded: ConsoleSettings, configured: Callable[..., ConsoleSettings]) -> ConsoleSettings:
    return configured({"TRUNKLINE_ENVIRONMENT": "local"})


@pytest.fixture
def visitor(web: Client) -> Visitor:
    return Visitor(web)


@pytest.fixture
def account(web: Client, store: Store, setup: Setup) -> Account:
    """Return a way to let somebody have an account; their address is returned."""

    async def make(role: str = "COMPANY_ADMIN", tenant: str = ONE) -> str:
        email = f"{role.lower()}@{tenant}.example"
        async with store.connection() as connection:
            await connection.execute(
                "insert into app_user (id, tenant_id, email, role) values (%s, %s, %s, %s)",
                (f"us_{role.lower().replace('_', '')}{tenant[3:]}", tenant, email, role),
            )
        token = await setup.token(Principal("test", None, frozenset()), email)
        await setup.take(token.token, email, "Ada", PASSWORD)
        return email

    return make


@pytest.fixture
def signed_in(visitor: Visitor, account: Account) -> SignedIn:
    async def make(role: str = "COMPANY_ADMIN", tenant: str = ONE) -> Visitor:
        await visitor.sign_in(await account(role, tenant))
        return visitor

    return make


@pytest.fixture
async def past(web: Client, store: Store, vault: Vault, pepper: Pepper) -> Past:
    return await Past(store, vault, pepper, TenantId(ONE)).plant()
