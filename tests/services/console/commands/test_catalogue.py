"""`trunkline catalogue`, `orders` and `mcp`: what a company sells, what was ordered of it, and tools that are lent."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.eventually import eventually
from tests.fakes.mcp_server import FakeTools, mcp_server
from tests.fakes.web import FakeWeb, reply, web_server
from tests.services.console.commands.conftest import CommandLine

PRODUCTS = "id,name,price\nb1,Red bicycle,199.50\n"
FAULTY = "id,name,price\nb1,,dear\n"
ALLOWED = {"TRUNKLINE_OUTBOUND__ALLOW": "127.0.0.1"}


@pytest.fixture
async def host() -> AsyncIterator[FakeWeb]:
    async with web_server(lambda _asked: reply(FAULTY, content_type="text/csv")) as web:
        yield web


@pytest.fixture
async def tools() -> AsyncIterator[FakeTools]:
    async with mcp_server() as served:
        yield served


async def test_a_file_is_taken_and_what_it_has_is_found(trunkline: CommandLine, tmp_path: Path) -> None:
    """
    Where there is one tenant it need not be named.
    """
    (tmp_path / "products.csv").write_text(PRODUCTS)
    file = str(tmp_path / "products.csv")
    taken = await trunkline.told("catalogue", "import", file, "--kind", "product", "--currency", "EUR")
    assert (taken["items"], taken["tenant"]) == (1, "tn_default")
    found = await trunkline.told("catalogue", "search", "bicycle", "--kind", "product", "--max-price", "200")
    assert [item["price"] for item in found["items"]] == [199.5]
    assert [it["id"] for it in (await trunkline.told("catalogue", "list"))["items"]] == [taken["id"]]
    shown = await trunkline.run("catalogue", "search", "bicycle", "--kind", "product", "-o", "table")
    assert shown.stdout == "Red bicycle, 199.5 EUR\n"


async def test_what_is_wrong_with_a_file_is_said_by_line_and_field(trunkline: CommandLine, tmp_path: Path) -> None:
    """
    And the status is that of a wrong usage.
    """
    (tmp_path / "products.csv").write_text(FAULTY)
    done = await trunkline.run("catalogue", "import", str(tmp_path / "products.csv"), "--kind", "product")
    assert done.returncode == 2
    assert "/2/name: " in done.stderr
    assert "/2/price: " in done.stderr


async def test_orders_are_taken_and_forgotten(trunkline: CommandLine, tmp_path: Path) -> None:
    """
    With their source.
    """
    (tmp_path / "orders.csv").write_text("number,status,phone\n1,paid,333 1234567\n")
    taken = await trunkline.told("orders", "import", str(tmp_path / "orders.csv"), "--country", "IT")
    assert taken["items"] == 1
    assert (await trunkline.told("catalogue", "list"))["items"] == []
    assert (await trunkline.run("orders", "remove", taken["id"], "--yes")).returncode == 0
    assert (await trunkline.told("orders", "list"))["items"] == []


@pytest.mark.parametrize("trunkline", [ALLOWED], indirect=True)
async def test_why_a_feed_could_not_be_taken_is_listed(trunkline: CommandLine, host: FakeWeb) -> None:
    """
    By line and field; secrets are read from a file.
    """
    secrets = json.dumps({"Authorization": "Bearer secret"})
    words = ("catalogue", "feed", host.url, "--kind", "product", "--every", "60", "--secrets-file", "-")
    made = await trunkline.told(*words, given=secrets)
    assert (made["secrets"], made["every_minutes"]) == (["Authorization"], 60)

    async def failed() -> bool:
        [source] = (await trunkline.told("catalogue", "list"))["items"]
        return bool(source["failure"] == "broken")

    await eventually(failed)
    listed = await trunkline.run("catalogue", "list", "-o", "table")
    assert "product, line 2, name: " in listed.stderr
    assert host.asked[0].headers["authorization"] == "Bearer secret"


@pytest.mark.parametrize("trunkline", [ALLOWED], indirect=True)
async def test_a_server_tells_which_of_its_tools_are_offered(trunkline: CommandLine, tools: FakeTools) -> None:
    """
    And why the others are not.
    """
    words = ("mcp", "add", tools.url, "--name", "crm", "--tool", "weather", "--tool", "anything", "--tool", "gone")
    server = (await trunkline.told(*words))["id"]
    checked = await trunkline.told("mcp", "check", server)
    assert [tool["offered_as"] for tool in checked["offered"]] == ["crm_weather"]
    assert {tool["name"] for tool in checked["left_out"]} == {"anything", "book", "secret", "gone"}
    await trunkline.told("mcp", "set", server, "--tool", "book", "--disable")
    [listed] = (await trunkline.told("mcp", "list"))["items"]
    assert (listed["tools"], listed["enabled"]) == (["book"], False)
    assert (await trunkline.run("mcp", "remove", server, "--yes")).returncode == 0
