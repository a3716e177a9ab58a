"""A pepper is added to the ring, and whoever is known by an address is known by the newest key of it."""

from collections.abc import AsyncIterator

import pytest

from shared.addresses import Pepper
from shared.ids import TenantId
from shared.keyring import KeyRing
from shared.store.repepper import Repepper
from shared.store.sealed import BINDING_ADDRESS, CONTACT_ADDRESS
from shared.store.session import Connection, Store
from shared.vault import Vault
from tests.services.store.rows import plant

ONE = TenantId("tn_one")
ADDRESS = "whatsapp:+15550001"
OLD, RING = Pepper(b"p" * 32), Pepper.of(KeyRing({1: b"p" * 32, 2: b"q" * 32}, 2))


@pytest.fixture
async def connection(store: Store, vault: Vault) -> AsyncIterator[Connection]:
    """A tenant with a contact who is bound, keyed with the older pepper."""
    async with store.connection(ONE) as lent:
        await plant(lent, vault, ONE)
        await lent.execute("delete from customer_order")  # it waits for its next import
        await lent.execute(
            "update contact set sealed_address = %s",
            (vault.seal(ADDRESS.encode(), CONTACT_ADDRESS.at(ONE, "ct_tn_one")),),
        )
        await lent.execute(
            "update binding set address_key = %s, sealed_address = %s",
            (OLD.global_key("whatsapp", ADDRESS), vault.seal(ADDRESS.encode(), BINDING_ADDRESS.at(ONE, "bd_tn_one"))),
        )
        await lent.execute(
            "insert into contact_alias (tenant_id, channel, address_key, contact_id, pepper_version)"
            " values (%s, 'whatsapp', %s, 'ct_tn_one', 1)",
            (ONE, OLD.address_key(ONE, "whatsapp", ADDRESS)),
        )
        yield lent


async def test_after_a_run_the_older_pepper_can_be_taken_out(
    connection: Connection, console_store: Store, vault: Vault
) -> None:
    """
    The binding has the newest key, and the contact one more.
    """
    repepper = Repepper(console_store, vault, RING)
    assert await repepper.named() == {1: {"binding": 1, "contact": 1}}
    assert await repepper.run() == 2
    assert await repepper.named() == {2: {"binding": 1, "contact": 1}}
    [binding] = await (await connection.execute("select address_key from binding")).fetchall()
    assert binding["address_key"] == RING.global_key("whatsapp", ADDRESS)
    aliases = await (await connection.execute("select address_key from contact_alias")).fetchall()
    assert {alias["address_key"] for alias in aliases} == set(RING.address_keys(ONE, "whatsapp", ADDRESS))


async def test_a_second_run_finds_nothing_to_do(connection: Connection, console_store: Store, vault: Vault) -> None:
    """
    Nor does a process that has only the older pepper turn anything back.
    """
    await Repepper(console_store, vault, RING).run()
    assert await Repepper(console_store, vault, RING).run() == 0
    assert await Repepper(console_store, vault, OLD).run() == 0


async def test_a_contact_whose_address_is_not_kept_stays_as_it_is(
    connection: Connection, console_store: Store, vault: Vault
) -> None:
    """
    It is known under the newest pepper once the person writes again.
    """
    await connection.execute("update contact set sealed_address = null")
    repepper = Repepper(console_store, vault, RING)
    assert await repepper.run() == 1
    assert await repepper.named() == {1: {"contact": 1}, 2: {"binding": 1}}
