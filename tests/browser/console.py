"""A console that runs for the browser: real Postgres and NATS, a company with a past, an admin who can sign in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from dev.embedded.ports import free_port
from services.console.__main__ import Server, app
from services.console.access import Principal
from services.console.accounts import Accounts
from services.console.api import Api
from services.console.chats import Chats
from services.console.dead_letters import DeadLetters
from services.console.directory import Reconciler
from services.console.knowledge.documents import Documents
from services.console.knowledge.indexing import Indexing
from services.console.lines import Lines
from services.console.oidc import open_provider
from services.console.pages.changes import Changes
from services.console.pairing import PairingCodes
from services.console.readiness import Readiness
from services.console.seed import Seed
from services.console.settings import ConsoleSettings
from services.console.setup import Setup, open_setup
from shared.addresses import Pepper
from shared.bus import Bus
from shared.ids import TenantId, new_id
from shared.knowledge import Knowledge
from shared.process import background
from shared.settings import from_env
from shared.store.session import Store
from shared.vault import Vault
from tests.eventually import eventually
from tests.fakes.account import FakeAccount
from tests.services.console.api.past import Past

EMAIL, PASSWORD = "ada@example.org", "seven green lanterns"
COMPANY = "tn_acme"
KEY = "console-key-of-the-browser-tests-only"
PROVIDER = {
    "TRUNKLINE_OIDC__ISSUER": "https://id.example.org",
    "TRUNKLINE_OIDC__CLIENT_ID": "trunkline",
    "TRUNKLINE_OIDC__NAME": "Acme ID",
}
"""One that is offered, and never asked."""


@dataclass
class Console:
    """What runs, and what is behind it."""

    url: str
    store: Store
    bus: Bus
    setup: Setup
    past: Past
    changes: Changes
    server: Server
    settings: ConsoleSettings
    twilio: FakeAccount

    async def account(self, email: str = EMAIL, role: str = "SYSTEM_ADMIN", tenant: str = COMPANY) -> None:
        """Let somebody have an account, with `PASSWORD`."""
        async with self.store.connection() as connection:
            await connection.execute(
                "insert into app_user (id, tenant_id, email, name, role) values (%s, %s, %s, 'Ada', %s) on conflict do nothing",
                (f"us_{email.partition('@')[0]}", tenant, email, role),
            )
        token = await self.setup.token(Principal("test", None, frozenset()), email)
        await self.setup.take(token.token, email, "Ada Lovelace", PASSWORD)

    async def letters(self, *reasons: str) -> None:
        """List work as given up."""
        for n, reason in enumerate(reasons):
            stage = "agent" if "turn" in reason else "egress"
            facts = {"stage": stage, "reason": reason, "attempts": 3, "payload": f"turn/tu_acme{n}"}
            await self.past.insert("dead_letter", id=new_id("dl"), thread="thacme", **facts)


def environment_of(database: str, nats: str, port: int, **more: str) -> dict[str, str]:
    """Return the variables of a local console."""
    return {
        "TRUNKLINE_ENVIRONMENT": "local",
        "TRUNKLINE_NATS__URL": nats,
        "TRUNKLINE_DB__URL": database,
        "TRUNKLINE_KEYS__VAULT": (b"v" * 32).hex(),
        "TRUNKLINE_KEYS__PEPPER": (b"p" * 32).hex(),
        "TRUNKLINE_KEYS__THREAD_PEPPER": (b"t" * 32).hex(),
        "TRUNKLINE_KEYS__CONSOLE": KEY,
        "TRUNKLINE_CONSOLE__PORT": str(port),
        "TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
        "TWILIO_AUTH_TOKEN": "token-of-this-test",
        "TWILIO_WEBHOOK_URL": "https://gateway.example.org/webhooks/twilio",
        **more,
    }


@asynccontextmanager
async def console(
    database: str, nats: str, *, store: Store, owned: Store, bus: Bus, vault: Vault, pepper: Pepper, **more: str
) -> AsyncIterator[Console]:
    """Run a console. `store`: as its own role sees the database, `owned`: as its owner. Only what its pages need is behind it."""
    port = free_port()
    here = {"TRUNKLINE_CONSOLE__URL": f"http://127.0.0.1:{port}"}
    settings = from_env(ConsoleSettings, environment_of(database, nats, port, **here, **PROVIDER, **more))
    await Seed(store, vault).plant(settings)
    nobody: Any = Api.of_nobody()
    setup = open_setup(store, vault, KEY, is_production=False, provider=open_provider(settings, nobody))
    twilio = FakeAccount()
    reconciler = Reconciler(bus, store, vault)
    accounts = Accounts(store, vault, reconciler)
    fields = {name: getattr(nobody, name) for name in nobody.__dataclass_fields__}
    api = Api(
        **{
            **fields,
            "store": store,
            "vault": vault,
            "console_key": KEY,
            "pepper": pepper,
            "bus": bus,
            "setup": setup,
            "letters": DeadLetters(store, bus),
            "codes": PairingCodes(store, pepper, settings.code_ttl_ms, settings.code_rate),
            "accounts": accounts,
            "lines": Lines(store, accounts, reconciler, {"twilio/whatsapp": twilio}, settings.webhook_url),
            "documents": Documents(store, vault, Indexing(store, vault, owner=1)),
            "knowledge": Knowledge(store),
            "chats": Chats(store, vault, bus, Pepper(b"t" * 32)),
            "readiness": Readiness(settings.console.services, {}, store),
        }
    )
    changes = Changes(bus, store)
    config = uvicorn.Config(
        app(settings, api, changes), host="127.0.0.1", port=port, log_config=None, access_log=False, lifespan="off",
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = Server(config)
    async with owned.connection() as connection:
        await connection.execute("insert into tenant (id, name) values (%s, 'Acme Clinics')", (COMPANY,))

    async def started() -> bool:
        return server.started

    past = Past(owned, vault, pepper, TenantId(COMPANY))
    async with background(server.serve(), changes.keep()):
        await eventually(started)
        yield Console(f"http://127.0.0.1:{port}", owned, bus, setup, past, changes, server, settings, twilio)
        changes.stop()
        await server.end()
