"""Tools in the console: what there is, and how it stands."""

from services.console.pages.language import clock
from tests.services.console.api.past import NOON, Past
from tests.services.console.pages.conftest import OTHER, SignedIn


async def test_tools_are_listed_with_their_state(signed_in: SignedIn, past: Past) -> None:
    """
    Catalogues by their last import, actions and servers by whether agents are offered them.
    """
    visitor = await signed_in()
    assert "No tool yet" in (await visitor.get("/tools")).text
    await past.insert("data_source", id="ds_one", kind="products", origin="feed", items=42, imported_at=NOON)
    await past.insert(
        "action", id="ac_one", name="book_table", description="Books.", method="POST", url="https://a.example/"
    )
    await past.insert("mcp_server", id="mc_one", name="Wiki", url="https://b.example/", tools=["look"], enabled=False)
    page = (await visitor.get("/tools")).text
    for shown in (">42<", clock(NOON)[:5], "book_table", "Enabled", "Wiki", "look", "Not enabled"):
        assert shown in page, shown


async def test_another_companys_tools_are_not_there(signed_in: SignedIn, past: Past) -> None:
    """
    Neither on the list, nor by its name.
    """
    await past.insert("mcp_server", id="mc_one", name="Wiki", url="https://b.example/", tools=["look"])
    visitor = await signed_in(tenant=OTHER)
    assert "Wiki" not in (await visitor.get("/tools")).text
    assert (await visitor.get("/tools?tenant=tn_one")).status_code == 404
