"""A unit of work names its tenants, and has their data keys at hand."""

import asyncio
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from shared.failures import Later
from shared.ids import TenantId
from shared.store.data_keys import DataKeys
from shared.store.session import EVERY_TENANT, Store, open_store
from shared.vault import TenantVault, Vault, place
from tests.eventually import eventually
from tests.services.store.conftest import OLD

ONE, TWO = TenantId("tn_one"), TenantId("tn_two")
_MAKE = "insert into tenant (id, name) values ('tn_' || %s::text, 'Made')"
_MADE = "select id from tenant where name = 'Made'"

HERE, THERE = place(ONE, "contact", "ct_1"), place(TWO, "contact", "ct_1")


async def _made(store: Store, *names: str) -> None:
    async with store.transaction() as connection:
        for name in names:
            await connection.execute(_MAKE, (name,))


async def test_a_transaction_can_seal_and_open_for_its_tenants(router_store: Store, vault: Vault) -> None:
    """
    Whoever logs in: each service may make and read the keys of those whom it names.
    """
    async with router_store.transaction(ONE, TWO):
        assert vault.open(vault.seal(b"secret", HERE), HERE) == b"secret"
        assert vault.open(vault.seal(b"secret", THERE), THERE) == b"secret"


async def test_single_statements_can_too(agent_store: Store, vault: Vault) -> None:
    """
    Without a transaction.
    """
    async with agent_store.connection(ONE):
        assert vault.open(vault.seal(b"secret", HERE), HERE) == b"secret"


async def test_a_data_key_outlives_the_transaction_that_it_was_made_for(
    router_store: Store, store: Store, vault: Vault, before: Vault
) -> None:
    """
    What it sealed may rest elsewhere, when that is rolled back.
    """
    with suppress(Later):
        async with router_store.transaction(ONE):
            sealed = vault.seal(b"secret", HERE)
            raise Later(0)
    others = DataKeys(before)
    async with store.connection() as connection:
        await others.fetch(connection, ONE)
    assert TenantVault({1: OLD}, others).open(sealed, HERE) == b"secret"


async def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    """
    Whatever ends it, also a statement whose result nobody reads: its error is told, and the connection goes on.
    """
    with suppress(Later):
        async with store.transaction() as connection:
            await connection.execute(_MAKE, ("one",))
            raise Later(0)
    with pytest.raises(psycopg.errors.UniqueViolation):
        await _made(store, "one", "two", "two", "three")
    await _made(store, "three")
    assert await store.rows(_MADE, ()) == [{"id": "tn_three"}]


async def test_a_transaction_is_waited_for_once_at_its_end(database_url: str, tmp_path: Path) -> None:
    """
    Its beginning and what it writes cost no wait of their own; neither does the scope of a single statement.
    """
    protocol = tmp_path / "protocol"
    with protocol.open("w") as told:
        async with open_store(database_url, 1, "test") as store:
            async with store.connection() as connection:
                connection.pgconn.trace(told.fileno())
            async with store.transaction() as connection:
                assert await (await connection.execute(_MADE)).fetchall() == []
                await connection.execute(_MAKE, ("one",))
                await connection.execute(_MAKE, ("two",))
            assert await store.rows("select current_setting('trunkline.tenants') as seen", ()) == [{"seen": ""}]
            connection.pgconn.untrace()
    assert protocol.read_text().count("Sync") == len(("the transaction", "the statement"))


async def test_a_long_queue_for_a_connection_is_no_failure(database_url: str) -> None:
    """
    Four seconds of work for one connection that come at once: longer than the database may take to give one, and all of it is done.
    """
    async with open_store(database_url, 1, "test") as store:
        done = await asyncio.gather(*(store.rows("select pg_sleep(0.1), 1 as done", ()) for _ in range(40)))
    assert [row["done"] for [row] in done] == [1] * 40


async def test_who_holds_a_connection_does_not_ask_for_a_second(store: Store) -> None:
    """
    Where all who hold one did, each would wait for the others.
    """
    async with store.transaction():
        with pytest.raises(RuntimeError, match="second"):
            await store.rows(_MADE, ())


async def test_who_is_paused_in_a_transaction_holds_nobody_up(database_url: str, store: Store) -> None:
    """
    The server ends it after its limit, and the row is free; whoever goes on then is told, and nothing of it is kept.
    """
    await _made(store, "one")

    async def is_free() -> bool:
        with suppress(Later):
            return bool(await store.rows("select 1 from tenant where name = 'Made' for update nowait", ()))
        return False

    async def paused() -> None:
        async with (
            open_store(database_url, 1, "test", transaction_limit=0.2) as other,
            other.transaction() as connection,
        ):
            await (
                await connection.execute("update tenant set name = 'Lost' where name = 'Made' returning 1")
            ).fetchall()
            await eventually(is_free)

    with pytest.raises((Later, psycopg.OperationalError)):
        await paused()
    assert await store.rows(_MADE, ()) == [{"id": "tn_one"}]


async def test_a_tenant_that_is_found_later_has_its_keys_the_next_time(router_store: Store, vault: Vault) -> None:
    """
    A new tenant's first key is not made in the middle of a transaction.
    """
    with pytest.raises(Later):
        async with router_store.transaction(ONE) as connection:
            await router_store.widen(connection, ONE, TWO)
    async with router_store.transaction(ONE) as connection:
        await router_store.widen(connection, ONE, TWO)
        assert vault.open(vault.seal(b"secret", THERE), THERE) == b"secret"


async def test_a_tenant_that_was_not_named_is_asked_for_the_next_time(router_store: Store, vault: Vault) -> None:
    """
    Sealing for somebody unexpected is done later, not wrongly.
    """
    with pytest.raises(Later):
        async with router_store.transaction(ONE):
            vault.seal(b"secret", THERE)
    async with router_store.transaction(ONE):
        assert vault.open(vault.seal(b"secret", THERE), THERE) == b"secret"


async def test_the_console_sees_all_and_names_those_whom_it_seals_for(console_store: Store, vault: Vault) -> None:
    """
    Naming somebody beside all does not narrow what is seen.
    """
    async with console_store.transaction(EVERY_TENANT, ONE) as connection:
        assert vault.seal(b"secret", HERE)
        row = await (await connection.execute("select current_setting('trunkline.tenants') as seen")).fetchone()
    assert row == {"seen": "*"}


async def test_a_tenant_that_is_found_outside_of_transactions_has_its_key_at_once(
    console_store: Store, egress_store: Store, vault: Vault
) -> None:
    """
    Its first too, and whatever the connection saw, it sees still.
    """
    for store, seen, found in ((console_store, EVERY_TENANT, ONE), (egress_store, ONE, TWO)):
        async with store.connection(seen) as connection:
            await store.have_keys(connection, found)
            assert vault.seal(b"secret", place(found, "contact", "ct_1"))
            row = await (await connection.execute("select current_setting('trunkline.tenants') as seen")).fetchone()
        assert row == {"seen": seen}


async def test_no_service_sees_the_data_keys_of_others(
    router_store: Store, agent_store: Store, egress_store: Store, store: Store
) -> None:
    """
    Nor changes those of its tenants.
    """
    async with store.connection(ONE, TWO):
        pass
    for service in (router_store, agent_store, egress_store):
        async with service.connection(ONE) as connection:
            rows = await (await connection.execute("select tenant_id from data_key")).fetchall()
            assert rows == [{"tenant_id": ONE}]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute("update data_key set number = 2")
