"""Ingress's directory follows the tables, with real Postgres and NATS."""

import asyncio
from typing import Any

import pytest

from services.console.directory import Reconciler
from services.console.seed import TENANT, Seed
from services.console.settings import ConsoleSettings
from shared.bus import Bus
from shared.directory import AccountEntry, LineEntry, SigningSecret, account_key, line_key, open_entry, seal_entry
from shared.ids import AccountSid, LineId, TenantId
from shared.keyring import KeyRing
from shared.process import end_all
from shared.store.data_keys import DataKeys
from shared.store.session import Store
from shared.vault import TenantVault, Vault, place
from tests.eventually import eventually
from tests.services.console.conftest import ACCOUNT, TOKEN, MakeSettings

SENDER = "whatsapp:+14155238886"
SID = AccountSid(ACCOUNT)
ACCOUNT_ENTRY = AccountEntry(account_sid=SID, secrets=(SigningSecret(secret=TOKEN),))
LINE_ENTRY = LineEntry(
    line=LineId("ln_default"), tenant=TenantId(TENANT), channel="whatsapp", account_sid=SID, to=SENDER, enabled=True
)
PUBLISHED = {account_key(ACCOUNT): ACCOUNT_ENTRY, line_key(ACCOUNT, SENDER): LINE_ENTRY}


@pytest.fixture
def reconciler(bus: Bus, console_store: Store, vault: Vault, seeded: ConsoleSettings) -> Reconciler:
    return Reconciler(bus, console_store, vault)


async def published(bus: Bus, vault: Vault) -> dict[str, Any]:
    return {key: open_entry(vault, key, sealed) for key, sealed in (await bus.config.all()).items()}


async def change(store: Store, statement: str, *values: Any) -> None:
    async with store.connection() as connection:
        await connection.execute(statement, values)


async def test_the_account_and_its_line_are_published(reconciler: Reconciler, bus: Bus, vault: Vault) -> None:
    """
    With what ingress needs to check a signature and to find the tenant.
    """
    await reconciler.reconcile()
    assert await published(bus, vault) == PUBLISHED


async def test_what_is_published_is_sealed(reconciler: Reconciler, bus: Bus) -> None:
    """
    Neither token nor number can be read in NATS, and keys show neither.
    """
    await reconciler.reconcile()
    everything = b"".join(key.encode() + value for key, value in (await bus.config.all()).items())
    assert not [shown for shown in (TOKEN, ACCOUNT, "5238886", TENANT) if shown.encode() in everything]


async def test_an_empty_platform_publishes_nothing(bus: Bus, console_store: Store, vault: Vault) -> None:
    """
    Before the seed.
    """
    await Reconciler(bus, console_store, vault).reconcile()
    assert await bus.config.all() == {}


@pytest.mark.parametrize("key", PUBLISHED)
async def test_a_deleted_entry_is_put_back(reconciler: Reconciler, bus: Bus, vault: Vault, key: str) -> None:
    """
    Whoever deleted it: the tables are right.
    """
    await reconciler.reconcile()
    await bus.config.remove(key)
    assert key not in await published(bus, vault)
    await reconciler.reconcile()
    assert await published(bus, vault) == PUBLISHED


@pytest.mark.parametrize("key", PUBLISHED)
@pytest.mark.parametrize("spoilt", [b"nonsense", b"\x01\x01" + b"\0" * 40])
async def test_an_unreadable_entry_is_replaced(
    reconciler: Reconciler, bus: Bus, vault: Vault, key: str, spoilt: bytes
) -> None:
    """
    Sealed with a lost key, or spoilt.
    """
    await reconciler.reconcile()
    await bus.config.put(key, spoilt)
    await reconciler.reconcile()
    assert await published(bus, vault) == PUBLISHED


async def test_entries_of_an_older_key_are_sealed_anew(
    reconciler: Reconciler, bus: Bus, console_store: Store, data_keys: DataKeys
) -> None:
    """
    Then the older key is not needed for them; a console that seals with no newer one leaves them so.
    """
    await reconciler.reconcile()
    ring = {1: b"v" * 32, 2: b"w" * 32}
    await Reconciler(bus, console_store, TenantVault(ring, data_keys)).reconcile()
    assert await published(bus, Vault({2: b"w" * 32})) == PUBLISHED
    written = await bus.config.all()
    await Reconciler(bus, console_store, TenantVault(KeyRing(ring, 1), data_keys)).reconcile()
    assert await bus.config.all() == written


async def test_an_entry_of_another_form_is_replaced(reconciler: Reconciler, bus: Bus, vault: Vault) -> None:
    """
    As an older version may have left it.
    """
    key = line_key(ACCOUNT, SENDER)
    await bus.config.put(key, vault.seal(b'{"line": "ln_old"}', place("platform", "config", key)))
    await reconciler.reconcile()
    assert await published(bus, vault) == PUBLISHED


async def test_an_entry_without_a_row_is_removed(reconciler: Reconciler, bus: Bus, vault: Vault) -> None:
    """
    A line that is gone is answered no longer.
    """
    gone = line_key(ACCOUNT, "whatsapp:+4930999999")
    await bus.config.put(gone, seal_entry(vault, gone, LINE_ENTRY))
    await reconciler.reconcile()
    assert await published(bus, vault) == PUBLISHED


async def test_a_line_that_was_switched_off_is_published_as_such(
    reconciler: Reconciler, bus: Bus, store: Store, vault: Vault
) -> None:
    """
    Ingress then takes its messages and does nothing.
    """
    await reconciler.reconcile()
    await change(store, "update line set enabled = false")
    await reconciler.reconcile()
    assert (await published(bus, vault))[line_key(ACCOUNT, SENDER)] == LINE_ENTRY.model_copy(update={"enabled": False})


async def test_new_variables_reach_the_directory(
    reconciler: Reconciler, bus: Bus, console_store: Store, vault: Vault, configured: MakeSettings
) -> None:
    """
    A token that was changed, a line with another number: the old entry goes.
    """
    await reconciler.reconcile()
    await Seed(console_store, vault).plant(
        configured({"TWILIO_AUTH_TOKEN": "another", "TWILIO_DEFAULT_FROM": "whatsapp:+4930123456"})
    )
    await reconciler.reconcile()
    entries = await published(bus, vault)
    assert entries.keys() == {account_key(ACCOUNT), line_key(ACCOUNT, "whatsapp:+4930123456")}
    assert entries[account_key(ACCOUNT)].secrets == (SigningSecret(secret="another"),)


async def test_nothing_is_written_where_nothing_changed(reconciler: Reconciler, bus: Bus, vault: Vault) -> None:
    """
    Every write calls every replica.
    """
    await reconciler.reconcile()
    before = await bus.config.all()
    await reconciler.reconcile()
    assert await bus.config.all() == before


async def test_replicas_are_called_when_an_entry_changes(
    reconciler: Reconciler, bus: Bus, store: Store, vault: Vault
) -> None:
    """
    With the new value, at once.
    """
    await reconciler.reconcile()
    heard: list[tuple[str, bytes]] = []

    async def listen(key: str, value: bytes) -> None:
        heard.append((key, value))

    await bus.config.watch(listen)
    await change(store, "update line set enabled = false")
    await reconciler.reconcile()

    async def look() -> bool:
        return bool(heard)

    await eventually(look)
    [(key, value)] = heard
    assert key == line_key(ACCOUNT, SENDER)
    assert open_entry(vault, key, value) == LINE_ENTRY.model_copy(update={"enabled": False})


async def test_a_failed_pass_is_repeated(
    bus: Bus, store: Store, vault: Vault, seeded: ConsoleSettings, console_store: Store
) -> None:
    """
    The database is not there yet, then it is: nobody has to restart the console.
    """
    await change(store, "alter table line rename to elsewhere")
    keeping = asyncio.create_task(Reconciler(bus, console_store, vault).keep())

    async def look() -> bool:
        return await published(bus, vault) == PUBLISHED

    try:
        assert not await look()
        await change(store, "alter table elsewhere rename to line")
        await eventually(look)
    finally:
        await end_all([keeping])
    assert keeping.cancelled()
