"""Companies: made by the platform's admin, with settings of which a company's own admin changes two."""

import re

from shared.store.session import Store
from tests.services.console.api.past import Past
from tests.services.console.pages.conftest import ONE, OTHER, SignedIn


async def row_of(store: Store, name: str) -> dict[str, object]:
    async with store.connection() as connection:
        row = await (await connection.execute("select * from tenant where name = %s", (name,))).fetchone()
    assert row is not None
    return dict(row)


async def test_the_platforms_admin_makes_a_company(signed_in: SignedIn, store: Store) -> None:
    """
    An empty limit is none.
    """
    visitor = await signed_in("SYSTEM_ADMIN")
    await visitor.get("/tenants/new")
    answer = await visitor.post("/tenants", name="Acme", privacy="encrypted", retention_days="30", daily_messages="")
    row = await row_of(store, "Acme")
    assert answer.headers["location"] == f"/tenants/{row['id']}?done=made"
    assert (row["privacy"], row["retention_days"], row["daily_messages"], row["history"]) == (
        "encrypted",
        30,
        None,
        False,
    )
    assert "Acme" in (await visitor.get("/tenants")).text


async def test_a_company_without_a_name_is_not_made(signed_in: SignedIn) -> None:
    """
    The field says so.
    """
    visitor = await signed_in("SYSTEM_ADMIN")
    await visitor.get("/tenants/new")
    answer = await visitor.post("/tenants", name=" ", privacy="hashed", retention_days="0")
    assert answer.status_code == 422
    assert "Fill this in." in answer.text
    assert "At least 1." in answer.text


async def test_a_companys_admin_changes_its_own_part(signed_in: SignedIn, past: Past, store: Store) -> None:
    """
    Chat history and the agent on shared numbers; the rest has a lock, and stays whatever the form says.
    """
    visitor = await signed_in()
    assert (await visitor.get("/tenants")).headers["location"] == f"/tenants/{ONE}"
    page = (await visitor.get(f"/tenants/{ONE}")).text
    assert page.count("Set by system admin") == 4
    version = re.findall(r'name="version" value="(\d+)"', page)[0]
    await visitor.post(f"/tenants/{ONE}", version=version, history="yes", agent=f"ag_{past.x}", retention_days="3650")
    row = await row_of(store, ONE)
    assert (row["history"], row["agent_id"], row["retention_days"]) == (True, f"ag_{past.x}", 90)


async def test_another_company_is_not_there(signed_in: SignedIn) -> None:
    """
    Neither to look at nor to change, nor are companies made by their own admins.
    """
    visitor = await signed_in()
    await visitor.get(f"/tenants/{ONE}")
    assert (await visitor.get(f"/tenants/{OTHER}")).status_code == 404
    assert (await visitor.get("/tenants/new")).status_code == 404
    await visitor.get(f"/tenants/{ONE}")
    assert (await visitor.post(f"/tenants/{OTHER}", version="1", history="yes")).status_code == 404


async def test_two_who_change_a_company_lose_nothing(signed_in: SignedIn) -> None:
    """
    The second sees both versions.
    """
    visitor = await signed_in()
    await visitor.get(f"/tenants/{ONE}")
    await visitor.post(f"/tenants/{ONE}", version="1", history="yes")
    answer = await visitor.post(f"/tenants/{ONE}", version="1")
    assert answer.status_code == 409
    assert "Changed by Ada" in answer.text
    assert re.search(r"<td[^>]*>yes</td><td[^>]*>no</td>", answer.text)
