"""What a service's login sees of tenants that its transaction did not name: nothing."""

import psycopg
import pytest
from sqlmodel import SQLModel

import shared.store.tables  # noqa: F401 - registers the tables
from shared.ids import TenantId
from shared.store.session import EVERY_TENANT, Store
from tests.services.desk import SECOND, SECOND_LINE, SECOND_SENDER, TENANT
from tests.services.tenants.conftest import Gateway

SHARED = {"credential", "data_key"}
"""An account may serve lines of other tenants too, and data keys are of no use without the key that wraps them."""

SCOPED = sorted({table.name for table in SQLModel.metadata.tables.values() if "tenant_id" in table.columns} - SHARED)


@pytest.fixture
async def lived(gateway: Gateway) -> Gateway:
    """Two tenants with a line each, and one person who wrote to both."""
    await gateway.platform.plant()
    await gateway.platform.plant_second()
    await gateway.person().writes("hello first")
    await gateway.told(1)
    await gateway.person(tenant=SECOND, line=SECOND_LINE, to=SECOND_SENDER).writes("hello second")
    await gateway.told(2)
    for tenant, sent in zip((TENANT, SECOND), list(gateway.channel.sent), strict=True):
        await gateway.reported(tenant, sent, "delivered")
        await gateway.reported(SECOND if tenant == TENANT else TENANT, sent, "read")
    await gateway.states("delivered", "delivered")
    return gateway


@pytest.fixture(params=["router", "agent", "egress", "console"])
def login(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found


async def tenants_seen(store: Store, *scope: TenantId) -> set[str]:
    """Return whose rows a login sees, over all tables that it may read at all."""
    seen: set[str] = set()
    for table in SCOPED:
        async with store.connection(*scope) as connection:
            try:
                cursor = await connection.execute(f"select distinct tenant_id from {table}")
                seen |= {row["tenant_id"] for row in await cursor.fetchall()}
            except psycopg.errors.InsufficientPrivilege:
                continue
    return seen


async def test_a_login_sees_the_tenants_that_it_names_and_no_other(lived: Gateway, login: Store) -> None:
    """
    Whatever the statement asks for; and who names nobody sees nothing.
    """
    assert await tenants_seen(login, TENANT) == {TENANT}
    assert await tenants_seen(login, SECOND) == {SECOND}
    assert await tenants_seen(login) == set()


async def test_only_the_console_may_see_all_at_once(lived: Gateway, login: Store, console_store: Store) -> None:
    """
    For the others the word for every tenant means nothing.
    """
    everyone = {TENANT, SECOND} if login is console_store else set()
    assert await tenants_seen(login, EVERY_TENANT) == everyone


async def test_an_account_is_seen_by_whoever_has_a_line_in_it(lived: Gateway, egress_store: Store) -> None:
    """
    Both tenants send with the first one's account; a tenant without a line there does not see it.
    """
    await lived.platform.rows("insert into tenant (id, name) values ('tn_third', 'Third') returning 1")
    for tenant, seen in ((TENANT, 1), (SECOND, 1), (TenantId("tn_third"), 0)):
        async with egress_store.connection(tenant) as connection:
            rows = await (await connection.execute("select 1 from credential")).fetchall()
        assert len(rows) == seen


async def test_rows_cannot_be_written_for_another_tenant(lived: Gateway, console_store: Store) -> None:
    """
    Not even by the console, once it speaks for one.
    """
    statement = "insert into agent (id, tenant_id, name, instructions) values ('ag_x', %s, 'x', 'x')"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with console_store.connection(TENANT) as connection:
            await connection.execute(statement, (SECOND,))


async def test_the_audit_log_cannot_be_changed(lived: Gateway, console_store: Store) -> None:
    """
    What was done stays on record: the console may add to it and read it.
    """
    for statement in ("update audit set actor = 'x'", "delete from audit"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with console_store.connection(EVERY_TENANT) as connection:
                await connection.execute(statement)


async def test_one_person_is_a_contact_of_each_tenant_and_a_stranger_to_the_other(lived: Gateway) -> None:
    """
    Under different keys, so that not even the keys show that it is the same person; and each agent knows its own words only.
    """
    aliases = await lived.platform.rows("select tenant_id, address_key from contact_alias")
    assert {row["tenant_id"] for row in aliases} == {TENANT, SECOND}
    assert len({row["address_key"] for row in aliases}) == len(aliases)
    for told in lived.model.told:
        assert not ("hello first" in str(told) and "hello second" in str(told))


async def test_a_login_that_bypasses_the_policies_is_not_ready(store: Store, router_store: Store) -> None:
    """
    A service that was given the owner's login would see everybody's rows: it says so instead of working.
    """
    assert await router_store.check() is None
    assert await store.check() == "the database role bypasses row-level security"
