"""What a company imported of people's orders goes with them, and in time."""

import json

import pytest

from services.console.catalogue_imports import Imports, Upload
from services.console.erasure import Erasures, Wanted
from services.console.exports import Exports
from services.console.retention import Retention
from shared.addresses import Pepper
from shared.ids import ContactId
from shared.keyring import KeyRing
from shared.store.repepper import Repepper
from shared.store.session import Store
from tests.services.desk import TENANT, Person
from tests.services.privacy.conftest import ADMIN, Town

ORDERS = "number,status,phone\n1001,on its way,+15550001\n1002,paid,+15550002\n"


@pytest.fixture
async def ann(town: Town, console_store: Store) -> Person:
    """Somebody who wrote, and ordered something, as somebody else did."""
    imports = Imports(console_store, town.platform.vault, town.platform.pepper)
    await imports.take(ADMIN, TENANT, Upload("order", ORDERS, None, None, "simple"))
    person = town.person("+15550001")
    await town.says(person, "hello")
    return person


async def contact_of(town: Town, person: Person) -> ContactId:
    [row] = await town.rows("select contact_id from thread where key = %s", person.thread)
    return ContactId(row["contact_id"])


async def test_an_erasure_takes_a_persons_orders(town: Town, erasures: Erasures, ann: Person) -> None:
    """
    And nobody else's.
    """
    done = await erasures.erase(ADMIN, await contact_of(town, ann), Wanted("asked for it", provider_copies=False))
    assert done.erased["customer_order"] == 1
    assert [row["number"] for row in await town.rows("select number from customer_order")] == ["1002"]


async def test_an_export_has_a_persons_orders(town: Town, exports: Exports, ann: Person) -> None:
    """
    Opened; and nobody else's.
    """
    told = await exports.make(ADMIN, await contact_of(town, ann))
    [order] = told.tables["orders"]
    assert json.loads(order["order"]) == {"number": "1001", "status": "on its way"}


@pytest.mark.parametrize(("days", "left", "items"), [(89, 2, 2), (91, 0, 0)])
async def test_orders_go_some_days_after_their_import(  # noqa: PLR0917 - fixtures
    town: Town, retention: Retention, ann: Person, days: int, left: int, items: int
) -> None:
    """
    As many as the company keeps things; then there is nothing to be asked for.
    """
    await town.rows("update customer_order set created_at = created_at - %s * interval '1 day' returning 1", days)
    await retention.run()
    assert await town.count("customer_order") == left
    [row] = await town.rows("select items from data_source")
    assert row["items"] == items


async def test_orders_name_the_pepper_that_they_are_keyed_with(town: Town, console_store: Store, ann: Person) -> None:
    """
    Until they are imported again, with a newer one.
    """
    ring = Pepper.of(KeyRing({1: b"p" * 32, 2: b"q" * 32}, 2))
    repepper = Repepper(console_store, town.platform.vault, ring)
    await repepper.run()
    assert (await repepper.named())[1]["order"] == 2
    await Imports(console_store, town.platform.vault, ring).take(
        ADMIN, TENANT, Upload("order", ORDERS, None, None, "simple")
    )
    assert (await repepper.named())[2]["order"] == 2
