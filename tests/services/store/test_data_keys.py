"""Each tenant's data keys: made once, kept wrapped, at hand before anything is sealed."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg.rows import DictRow

from shared.failures import SEALED_UNREADABLE, GatewayError, Later
from shared.store.data_keys import DataKeys, wrap_place
from shared.store.session import Connection, Store
from shared.vault import TenantVault, Vault, place
from tests.services.store.conftest import OLD

HERE = place("tn_one", "contact", "ct_1")


@pytest.fixture
async def connection(store: Store) -> AsyncIterator[Connection]:
    async with store.connection() as lent:
        yield lent


async def stored(connection: Connection, tenant: str = "tn_one") -> list[DictRow]:
    cursor = await connection.execute("select * from data_key where tenant_id = %s order by number", (tenant,))
    return await cursor.fetchall()


async def add(connection: Connection, ring: Vault, tenant: str, number: int, key: bytes = b"d" * 32) -> None:
    """Add a data key as another process would."""
    await connection.execute(
        "insert into data_key (tenant_id, number, key_id, wrapped) values (%s, %s, %s, %s)",
        (tenant, number, ring.newest, ring.seal(key, wrap_place(tenant, number))),
    )


def a_vault(keys: DataKeys) -> TenantVault:
    return TenantVault({1: OLD}, keys)


def refusal(vault: Vault, sealed: bytes, context: str = HERE) -> object:
    with pytest.raises(GatewayError) as failure:
        vault.open(sealed, context)
    return failure.value.failure


async def test_a_tenants_first_data_key_is_made_when_it_is_needed(connection: Connection, before: Vault) -> None:
    """
    32 random bytes, wrapped by the newest key of the ring, which the row names.
    """
    await DataKeys(before).ensure(connection, "tn_one", "tn_two")
    [row], [other] = await stored(connection), await stored(connection, "tn_two")
    assert (row["number"], row["key_id"]) == (1, 1)
    keys = {
        before.open(row["wrapped"], wrap_place("tn_one", 1)),
        before.open(other["wrapped"], wrap_place("tn_two", 1)),
    }
    assert [len(key) for key in keys] == [32, 32]


async def test_what_one_process_sealed_another_opens(connection: Connection, before: Vault) -> None:
    """
    They share the table and the ring, nothing else.
    """
    mine, yours = DataKeys(before), DataKeys(before)
    await mine.ensure(connection, "tn_one")
    await yours.ensure(connection, "tn_one")
    assert a_vault(yours).open(a_vault(mine).seal(b"secret", HERE), HERE) == b"secret"
    assert len(await stored(connection)) == 1


async def test_processes_that_make_a_first_key_at_once_agree_on_one(store: Store, before: Vault) -> None:
    """
    Whoever inserts first; what the others made is dropped.
    """
    processes = [DataKeys(before) for _ in range(8)]

    async def starts(keys: DataKeys) -> None:
        async with store.connection() as connection:
            await keys.ensure(connection, "tn_one")

    await asyncio.gather(*(starts(keys) for keys in processes))
    sealed = [a_vault(keys).seal(b"secret", HERE) for keys in processes]
    assert {a_vault(keys).open(one, HERE) for keys in processes for one in sealed} == {b"secret"}


async def test_keys_at_hand_are_not_read_again(store: Store, before: Vault) -> None:
    """
    Every message asks for them: a connection that is closed does.
    """
    keys = DataKeys(before)
    async with store.connection() as lent:
        await keys.ensure(lent, "tn_one")
    unused = await psycopg.AsyncConnection.connect(lent.info.dsn, password=lent.info.password)
    await unused.close()
    await keys.ensure(unused, "tn_one")  # type: ignore[arg-type]  # rows of any form: there are none


async def test_a_data_key_is_never_made_inside_a_transaction(store: Store, before: Vault) -> None:
    """
    If that is rolled back, what the key sealed elsewhere could never be opened.
    """
    async with store.transaction() as connection:
        with pytest.raises(RuntimeError, match="before the transaction"):
            await DataKeys(before).ensure(connection, "tn_one")


async def test_data_keys_can_be_read_inside_a_transaction(store: Store, before: Vault) -> None:
    """
    Whose account a line sends with is known only there.
    """
    async with store.connection() as connection:
        await DataKeys(before).ensure(connection, "tn_one")
    keys = DataKeys(before)
    async with store.transaction() as connection:
        await keys.fetch(connection, "tn_one")
        assert keys.newest("tn_one")[0] == 1


async def test_nothing_is_sealed_without_the_tenants_key(connection: Connection, before: Vault) -> None:
    """
    Not by the ring instead, not by another tenant's; once the keys that were missed are read, it is.
    """
    keys = DataKeys(before)
    await keys.ensure(connection, "tn_two")
    with pytest.raises(Later):
        a_vault(keys).seal(b"secret", HERE)
    assert keys.lacking(["tn_two"]) == ["tn_one"]
    await keys.ensure(connection, *keys.lacking([]))
    assert a_vault(keys).seal(b"secret", HERE)


async def test_nothing_opens_without_the_tenants_key(connection: Connection, before: Vault) -> None:
    """
    It waits for the keys to be read as well, and then does.
    """
    keys, others = DataKeys(before), DataKeys(before)
    await keys.ensure(connection, "tn_one")
    sealed = a_vault(keys).seal(b"secret", HERE)
    with pytest.raises(Later):
        a_vault(others).open(sealed, HERE)
    await others.ensure(connection, *others.lacking([]))
    assert a_vault(others).open(sealed, HERE) == b"secret"


async def test_a_tenant_without_a_key_gets_it_before_the_next_unit_of_work(
    connection: Connection, before: Vault
) -> None:
    """
    Where it must not be made just now.
    """
    keys = DataKeys(before)
    with pytest.raises(Later):
        await keys.fetch(connection, "tn_one")
    assert keys.lacking([]) == ["tn_one"]
    assert await stored(connection) == []


async def test_a_further_data_key_is_noticed(connection: Connection, before: Vault) -> None:
    """
    What it sealed does not open at first; the tenant's keys are read again with the next unit of work.
    """
    mine, yours = DataKeys(before), DataKeys(before)
    await mine.ensure(connection, "tn_one")
    await add(connection, before, "tn_one", 2)
    await yours.ensure(connection, "tn_one")
    sealed = a_vault(yours).seal(b"secret", HERE)
    assert refusal(a_vault(mine), sealed) is SEALED_UNREADABLE
    await mine.ensure(connection, "tn_one")
    assert a_vault(mine).open(sealed, HERE) == b"secret"


async def test_a_value_that_cannot_be_read_does_not_stop_others(connection: Connection, before: Vault) -> None:
    """
    The tenant's keys stay at hand while one of them is looked for.
    """
    keys = DataKeys(before)
    await keys.ensure(connection, "tn_one")
    assert refusal(a_vault(keys), b"\x02\x00\x09" + b"n" * 40) is SEALED_UNREADABLE
    assert a_vault(keys).open(a_vault(keys).seal(b"secret", HERE), HERE) == b"secret"


async def test_a_wrapped_key_of_another_tenant_does_not_serve(connection: Connection, before: Vault) -> None:
    """
    Whoever can write rows cannot make a tenant seal with a key that he can read.
    """
    keys = DataKeys(before)
    await keys.ensure(connection, "tn_one", "tn_two")
    await connection.execute(
        "update data_key set wrapped = (select wrapped from data_key where tenant_id = 'tn_two') where tenant_id = 'tn_one'"
    )
    moved = DataKeys(before)
    await moved.ensure(connection, "tn_one")
    assert refusal(a_vault(moved), a_vault(keys).seal(b"secret", HERE)) is SEALED_UNREADABLE
    with pytest.raises(GatewayError, match="sealed_unreadable"):
        a_vault(moved).seal(b"secret", HERE)


async def test_a_wrapped_key_under_another_number_does_not_serve(connection: Connection, before: Vault) -> None:
    """
    Nor can an old data key be passed off as a new one.
    """
    await DataKeys(before).ensure(connection, "tn_one")
    await connection.execute("update data_key set number = 2")
    keys = DataKeys(before)
    await keys.ensure(connection, "tn_one")
    with pytest.raises(GatewayError, match="sealed_unreadable"):
        a_vault(keys).seal(b"secret", HERE)


@pytest.mark.parametrize("at", [0, 1, 2, 20, 61])
async def test_a_wrapped_key_that_was_tampered_with_does_not_serve(
    connection: Connection, before: Vault, at: int
) -> None:
    """
    Nothing is sealed with an older one instead.
    """
    await add(connection, before, "tn_one", 1)
    await add(connection, before, "tn_one", 2)
    await connection.execute(
        "update data_key set wrapped = set_byte(wrapped, %s, get_byte(wrapped, %s) # 1) where number = 2", (at, at)
    )
    keys = DataKeys(before)
    await keys.ensure(connection, "tn_one")
    with pytest.raises(GatewayError, match="sealed_unreadable"):
        a_vault(keys).seal(b"secret", HERE)


async def test_a_ring_without_the_wrapping_key_opens_nothing(
    connection: Connection, before: Vault, after: Vault
) -> None:
    """
    A key that was retired too soon shows; once it is back, so is everything.
    """
    keys = DataKeys(before)
    await keys.ensure(connection, "tn_one")
    sealed = a_vault(keys).seal(b"secret", HERE)
    late = DataKeys(after)
    await late.ensure(connection, "tn_one")
    assert refusal(a_vault(late), sealed) is SEALED_UNREADABLE


async def test_a_key_that_could_not_be_unwrapped_is_tried_again(
    connection: Connection, before: Vault, rotating: Vault
) -> None:
    """
    Somebody may have wrapped it anew with a key that is known here.
    """
    await add(connection, rotating, "tn_one", 1)
    keys = DataKeys(before)
    await keys.ensure(connection, "tn_one")
    with pytest.raises(GatewayError):
        keys.newest("tn_one")
    await connection.execute("delete from data_key")
    await add(connection, before, "tn_one", 1)
    await keys.ensure(connection, "tn_one")
    assert keys.newest("tn_one")[0] == 1


async def test_the_longest_unused_keys_are_forgotten(connection: Connection, before: Vault) -> None:
    """
    Memory is bounded; what is forgotten is read again.
    """
    keys = DataKeys(before, most=2)
    await keys.ensure(connection, "tn_one")
    sealed = a_vault(keys).seal(b"secret", HERE)
    await keys.ensure(connection, "tn_two")
    await keys.ensure(connection, "tn_one")
    await keys.ensure(connection, "tn_three")
    assert a_vault(keys).open(sealed, HERE) == b"secret"
    with pytest.raises(Later):
        keys.newest("tn_two")
    await keys.ensure(connection, "tn_two")
    assert keys.newest("tn_two")[0] == 1
