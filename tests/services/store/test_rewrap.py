"""A key is added to the ring, everything comes under it beside the traffic, and the older one is retired."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlmodel import SQLModel

import shared.store.tables  # noqa: F401 - registers the tables
from shared.failures import GatewayError
from shared.keyring import KeyRing
from shared.process import background
from shared.store.data_keys import DataKeys
from shared.store.rewrap import Rewrap
from shared.store.sealed import (
    IDEMPOTENT_ANSWER,
    MESSAGE_CONTENTS,
    MESSAGE_MEDIA,
    MESSAGE_TEXT,
    SEALED_COLUMNS,
    TOOL_RESULT,
)
from shared.store.session import Connection, Store, open_store
from shared.vault import TenantVault, Vault
from tests.eventually import eventually
from tests.services.store.conftest import NEW, OLD
from tests.services.store.rows import opened, plant, secret

ONE, TWO = "tn_one", "tn_two"


@pytest.fixture
async def connection(store: Store) -> AsyncIterator[Connection]:
    async with store.connection() as lent:
        yield lent


def a_rewrap(store: Store, keys: KeyRing | dict[int, bytes]) -> Rewrap:
    data_keys = DataKeys(Vault(keys))
    return Rewrap(store, Vault(keys), TenantVault(keys, data_keys), data_keys)


@pytest.fixture
def rewrap(store: Store) -> Rewrap:
    """The job of a process that knows both keys."""
    return a_rewrap(store, {1: OLD, 2: NEW})


async def a_tenants_vault(connection: Connection, keys: dict[int, bytes], *tenants: str) -> TenantVault:
    data_keys = DataKeys(Vault(keys))
    await data_keys.ensure(connection, *tenants)
    return TenantVault(keys, data_keys)


async def all_is_there(connection: Connection, vault: Vault, rows: int) -> bool:
    """Tell whether every value opens and says what it said."""
    values = await opened(connection, vault)
    return len(values) == rows and all(plain == secret(column, row) for column, row, plain in values)


def test_the_context_of_every_sealed_column_is_known() -> None:
    """
    One that is not could never be sealed anew.
    """
    columns = {
        f"{table.name}.{column.name}"
        for table in SQLModel.metadata.tables.values()
        for column in table.columns
        if column.name.startswith("sealed_")
    }
    assert {str(column) for column in SEALED_COLUMNS} == columns


async def test_after_a_run_the_older_key_can_be_retired(
    store: Store, connection: Connection, before: Vault, rewrap: Rewrap
) -> None:
    """
    Nothing names it; a ring without it opens everything: what the ring sealed itself, and what data keys did.
    """
    await plant(connection, before, ONE)
    await plant(connection, await a_tenants_vault(connection, {1: OLD}, TWO), TWO)
    assert (await rewrap.named())[1] == {"data_key": 1} | {str(column): 1 for column in SEALED_COLUMNS}
    await rewrap.run()
    assert await rewrap.named() == {2: {"data_key": 2}}
    assert await all_is_there(
        connection, await a_tenants_vault(connection, {2: NEW}, ONE, TWO), 2 * len(SEALED_COLUMNS)
    )


async def test_a_second_run_finds_nothing_to_do(connection: Connection, before: Vault, rewrap: Rewrap) -> None:
    """
    It may be repeated at any time, also after it was stopped halfway.
    """
    await plant(connection, before, ONE)
    assert (await rewrap.run()).done.total() == len(SEALED_COLUMNS)
    assert (await rewrap.run()).done.total() == 0


async def test_a_table_is_gone_through_in_batches(connection: Connection, before: Vault, rewrap: Rewrap) -> None:
    """
    By primary keys of one column or of several, to the last row.
    """
    await plant(connection, before, ONE, most=1_001)
    done = (await rewrap.run()).done
    assert (done[str(MESSAGE_TEXT)], done[str(TOOL_RESULT)]) == (1_001, 1_001)
    assert await rewrap.named() == {2: {"data_key": 1}}


async def test_a_row_that_somebody_holds_is_left_for_the_next_run(
    database_url: str, connection: Connection, before: Vault, rewrap: Rewrap
) -> None:
    """
    Nobody waits for the job, and it waits for nobody.
    """
    await plant(connection, before, ONE)
    await a_tenants_vault(connection, {1: OLD}, TWO)
    async with open_store(database_url, 1, "other") as elsewhere, elsewhere.transaction() as other:
        await other.execute("select 1 from message for update")
        await other.execute("select 1 from data_key where tenant_id = %s for update", (TWO,))
        await (await other.execute("select 1")).fetchone()
        await rewrap.run()
        held = {str(it): 1 for it in (MESSAGE_TEXT, MESSAGE_MEDIA, MESSAGE_CONTENTS)}
        assert (await rewrap.named())[1] == {"data_key": 1, **held}
    await rewrap.run()
    assert 1 not in await rewrap.named()


async def test_two_runs_at_once_share_the_work(
    connection: Connection, store: Store, before: Vault, rewrap: Rewrap
) -> None:
    """
    No row is done twice, and none is left.
    """
    tenants = [f"tn_{n}" for n in range(1_200)]
    await a_tenants_vault(connection, {1: OLD}, *tenants)
    await plant(connection, before, ONE, most=1_001)
    runs = await asyncio.gather(rewrap.run(), a_rewrap(store, {1: OLD, 2: NEW}).run())
    await rewrap.run()
    assert 1 not in await rewrap.named()
    assert sum(run.done["data_key"] for run in runs) <= len(tenants) + 1
    assert sum(run.done[str(MESSAGE_TEXT)] for run in runs) <= 1_001
    assert not any(run.unreadable.total() for run in runs)


async def test_readers_see_nothing_of_a_run(connection: Connection, store: Store, rewrap: Rewrap) -> None:
    """
    Whenever a process fetches a data key, with the old wrap or the new one, it opens what the tenant sealed.
    """
    tenants = [f"tn_{n}" for n in range(1_200)]
    vault = await a_tenants_vault(connection, {1: OLD}, *tenants)
    sealed = {tenant: vault.seal(b"secret", f"{tenant}/kind/row/1") for tenant in tenants}
    run = asyncio.create_task(rewrap.run())
    reads = 0
    while not run.done():
        reader = await a_tenants_vault(connection, {1: OLD, 2: NEW}, *tenants[::100])
        assert {reader.open(sealed[tenant], f"{tenant}/kind/row/1") for tenant in tenants[::100]} == {b"secret"}
        reads += 1
    await run
    assert reads > 1


async def test_what_cannot_be_opened_is_counted_and_left(connection: Connection, before: Vault, rewrap: Rewrap) -> None:
    """
    It holds up nothing else, and keeps its key from being retired.
    """
    await plant(connection, before, ONE)
    await a_tenants_vault(connection, {1: OLD}, TWO)
    await connection.execute("update message set sealed_text = sealed_text || '\\x00'")
    await connection.execute("update data_key set wrapped = wrapped || '\\x00' where tenant_id = %s", (TWO,))
    progress = await rewrap.run()
    assert +progress.unreadable == {str(MESSAGE_TEXT): 1, "data_key": 1}
    assert (await rewrap.named())[1] == {"data_key": 1, str(MESSAGE_TEXT): 1}


async def test_a_process_with_an_older_ring_wraps_nothing_back(
    connection: Connection, store: Store, rewrap: Rewrap
) -> None:
    """
    Restarts take a while, and the job may run in more than one process.
    """
    await a_tenants_vault(connection, {2: NEW}, ONE)
    assert (await a_rewrap(store, KeyRing({1: OLD, 2: NEW}, 1)).run()).done.total() == 0
    assert await rewrap.named() == {2: {"data_key": 1}}


async def test_a_retired_key_is_missed_where_something_still_names_it(
    connection: Connection, before: Vault, store: Store
) -> None:
    """
    Which is why what is named is counted first.
    """
    await plant(connection, before, ONE)
    with pytest.raises(GatewayError):
        await opened(connection, await a_tenants_vault(connection, {2: NEW}, ONE))


async def test_the_console_rewraps_by_itself(console_store: Store, connection: Connection, before: Vault) -> None:
    """
    With its own login, and from its start: nobody has to think of it.
    """
    await plant(connection, before, ONE)
    await a_tenants_vault(connection, {1: OLD}, TWO)
    rewrap = a_rewrap(console_store, {1: OLD, 2: NEW})

    async def done() -> bool:
        return set(await rewrap.named()) == {2}

    async with background(rewrap.keep()):
        await eventually(done)


async def test_what_belongs_to_no_tenant_comes_under_the_newest_key(
    connection: Connection, before: Vault, after: Vault, rewrap: Rewrap
) -> None:
    """
    It has no data key: the ring seals it, once.
    """
    await connection.execute(
        "insert into idempotent_request (holder, key, fingerprint, sealed_answer) values ('h', 'k', '', %s)",
        (before.seal(b"answer", IDEMPOTENT_ANSWER.at(None, "h", "k")),),
    )
    assert (await rewrap.run()).done == {str(IDEMPOTENT_ANSWER): 1}
    [row] = await (await connection.execute("select sealed_answer from idempotent_request")).fetchall()
    assert after.open(row["sealed_answer"], IDEMPOTENT_ANSWER.at(None, "h", "k")) == b"answer"
    assert (await rewrap.run()).done.total() == 0
