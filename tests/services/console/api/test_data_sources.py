"""Products, listings and orders: sent as files, fetched from feeds and shops, and found."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.console.catalogue_fetching import Fetching
from shared.store.session import Store
from tests.fakes.web import FakeWeb, reply, web_server
from tests.fakes.woocommerce import FakeShop, a_product, shop
from tests.services.console.api.conftest import ONE, OTHER, Asker, MakeAsker

SECRET = "Bearer a-secret-of-the-company"
PRODUCTS = """id,name,price,currency,available,url,colour,doors
b1,Red bicycle,199.50,EUR,yes,https://shop.example.org/b1,red,
b2,Blue bicycle,149,EUR,no,https://shop.example.org/b2,blue,
w1,Oak wardrobe,800,EUR,yes,,brown,3
"""


@pytest.fixture
async def host() -> AsyncIterator[FakeWeb]:
    async with web_server(lambda _asked: reply(PRODUCTS, content_type="text/csv")) as web:
        yield web


@pytest.fixture
async def woo() -> AsyncIterator[FakeShop]:
    async with shop() as opened:
        yield opened


async def send(asker: Asker, text: str, kind: str = "product", query: str = "") -> Any:
    return await asker.ask("PUT", f"imports/{kind}?{query}", content=text.encode())


async def found(asker: Asker, source: str, **wanted: Any) -> list[str]:
    answer = await asker.ask("POST", f"data-sources/{source}/searches", json=wanted)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def connect(asker: Asker, url: str, **more: Any) -> Any:
    body = {"kind": "product", "origin": "feed", "url": url, "secrets": {"Authorization": SECRET}, **more}
    answer = await asker.ask("POST", "data-sources", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def shown(asker: Asker, source: str) -> Any:
    return (await asker.ask("GET", f"data-sources/{source}")).json()


async def test_a_file_takes_the_place_of_the_one_before(admin: Asker) -> None:
    """
    As one source, whose version counts up.
    """
    first = (await send(admin, PRODUCTS)).json()
    assert (first["items"], first["origin"], first["failure"]) == (3, "upload", None)
    second = await send(admin, "id,name\nx,Green bicycle\n")
    assert (second.json()["id"], second.json()["items"]) == (first["id"], 1)
    assert await found(admin, first["id"], query="bicycle") == ["x"]


async def test_nothing_of_a_broken_file_is_found(admin: Asker) -> None:
    """
    What was wrong is told by line and field; what was there before stays.
    """
    source = (await send(admin, PRODUCTS)).json()["id"]
    broken = await send(admin, "id,name,price\nx,Green bicycle,5\ny,,cheap\n")
    assert (broken.status_code, broken.json()["code"]) == (422, "file_broken")
    assert [fault["pointer"] for fault in broken.json()["errors"]] == ["/3/name", "/3/price"]
    assert "cheap" not in broken.text
    assert sorted(await found(admin, source, query="bicycle")) == ["b1", "b2"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"query": "red bicycle"}, ["b1"]),
        ({"query": "bycicle", "max_price": 150}, ["b2"]),
        ({"query": "BICYCLES"}, ["b1", "b2"]),
        ({"query": "wardrobe oak"}, ["w1"]),
        ({"query": "bicycle", "available_only": True}, ["b1"]),
        ({"min_price": 150}, ["b1", "w1"]),
        ({"query": "brown"}, ["w1"]),
        ({"query": "submarine"}, []),
        ({}, ["b2", "b1", "w1"]),
        ({"limit": 1}, ["b2"]),
    ],
)
async def test_items_are_found(admin: Asker, wanted: dict[str, Any], expected: list[str]) -> None:
    """
    By words, in other forms and misspelt, by price and by whether they can be had; without any of it, the cheapest first.
    """
    source = (await send(admin, PRODUCTS, query="language=english")).json()["id"]
    listed = await found(admin, source, **wanted)
    assert (sorted(listed) if wanted.get("query") == "BICYCLES" else listed) == expected


async def test_another_companys_items_are_not_there(admin: Asker, asker: MakeAsker) -> None:
    """
    Neither the source nor what came from it, whatever is asked.
    """
    source = (await send(admin, PRODUCTS)).json()["id"]
    other = await asker(OTHER)
    theirs = (await send(other, "id,name\nz,Bicycle\n")).json()["id"]
    assert await found(other, theirs, query="red bicycle") == ["z"]
    for method, path in (("GET", ""), ("POST", "/searches"), ("POST", "/runs")):
        assert (await other.ask(method, f"data-sources/{source}{path}", json={})).status_code == 404
    assert (await send(other, PRODUCTS, query=f"tenant={ONE}")).status_code == 404


async def test_what_is_fetched_is_not_sent_as_a_file(admin: Asker, host: FakeWeb) -> None:
    """
    The next fetch would undo it.
    """
    await connect(admin, host.url)
    assert (await send(admin, PRODUCTS)).json()["code"] == "source_is_fetched"


async def test_a_feed_is_fetched_when_it_is_due(admin: Asker, host: FakeWeb, fetching: Fetching) -> None:
    """
    At once and with its secret, which nobody is shown; then not before its time, unless it is asked for.
    """
    made = await connect(admin, host.url)
    assert (made["secrets"], made["every_minutes"]) == (["Authorization"], 1440)
    assert await fetching.next()
    assert host.asked[0].headers["authorization"] == SECRET
    assert (await shown(admin, made["id"]))["items"] == 3
    assert not await fetching.next()
    assert (await admin.ask("POST", f"data-sources/{made['id']}/runs")).status_code == 202
    assert await fetching.next()
    assert len(host.asked) == 2
    audit = (await admin.ask("GET", "audit")).text
    assert SECRET not in audit + json.dumps(made)


async def test_another_host_is_not_told_the_secrets_of_the_one_before(
    admin: Asker, host: FakeWeb, fetching: Fetching
) -> None:
    """
    On the same host they stay.
    """
    made = await connect(admin, host.url)
    async with web_server() as elsewhere:
        for version, (url, names) in enumerate([(f"{host.url}/new", ["Authorization"]), (elsewhere.url, [])], start=1):
            tag = {"If-Match": f'"{version}"'}
            changed = await admin.ask("PATCH", f"data-sources/{made['id']}", json={"url": url}, headers=tag)
            assert changed.json()["secrets"] == names
        await fetching.next()
    [asked] = elsewhere.asked
    assert "authorization" not in asked.headers


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (reply("no", status=500), "http_500"),
        (None, "broke_off"),
        (reply(status=302, location="/"), "redirected"),
        (reply(b"\x00", content_type="image/png"), "answer_not_text"),
        (reply("x" * 300_000, content_type="text/csv"), "answer_too_large"),
        (reply("id,name\n1,\n", content_type="text/csv"), "broken"),
        (reply('{"items": 5}'), "broken"),
    ],
)
async def test_the_last_good_import_stays(
    admin: Asker, host: FakeWeb, fetching: Fetching, answer: bytes | None, failure: str
) -> None:
    """
    Why the feed could not be taken is shown; the next good one makes up for it.
    """
    source = (await connect(admin, host.url))["id"]
    await fetching.next()
    host.respond = lambda _asked: answer
    await admin.ask("POST", f"data-sources/{source}/runs")
    assert await fetching.next()
    now = await shown(admin, source)
    assert (now["failure"], now["items"]) == (failure, 3)
    assert bool(now["faults"]) is (failure == "broken")
    assert await found(admin, source, query="wardrobe") == ["w1"]
    host.respond = lambda _asked: reply('[{"id": "1", "name": "Lamp"}]')
    await admin.ask("POST", f"data-sources/{source}/runs")
    await fetching.next()
    now = await shown(admin, source)
    assert (now["failure"], now["faults"], now["items"]) == (None, [], 1)


async def test_a_feed_that_was_changed_meanwhile_is_not_taken(admin: Asker, host: FakeWeb, fetching: Fetching) -> None:
    """
    What comes of the old address is let go; the new one is fetched next.
    """
    made = await connect(admin, host.url)

    async def changes(_asked: object) -> bytes:
        if len(host.asked) == 1:
            change = {"url": f"{host.url}/new"}
            tag = {"If-Match": '"1"'}
            await admin.ask("PATCH", f"data-sources/{made['id']}", json=change, headers=tag)
            return reply(PRODUCTS, content_type="text/csv")
        return reply('[{"id": "1", "name": "Lamp"}]')

    host.respond = changes
    assert await fetching.next()
    assert (await shown(admin, made["id"]))["items"] == 0
    assert await fetching.next()
    assert (await shown(admin, made["id"]))["items"] == 1
    assert [it.line.split()[1] for it in host.asked] == ["/", "/new"]


async def test_a_shops_products_are_fetched_page_by_page(admin: Asker, woo: FakeShop, fetching: Fetching) -> None:
    """
    What is published, in the shop's currency, without markup.
    """
    woo.products = [a_product(n) for n in range(1, 121)]
    woo.products[0] |= {"name": "Tom &amp; Jerry mug", "price": "", "stock_status": "outofstock"}
    woo.products[1] |= {"status": "draft"}
    made = await connect(admin, woo.url, origin="woocommerce", secrets=woo.key)
    assert await fetching.next()
    assert woo.refused == []
    now = await shown(admin, made["id"])
    assert (now["failure"], now["items"]) == (None, 119)
    assert woo.asked.count("/wp-json/wc/v3/products") == 3
    answer = await admin.ask("POST", f"data-sources/{made['id']}/searches", json={"query": "Jerry"})
    [mug] = answer.json()["items"]
    assert mug == {
        "id": "1", "name": "Tom & Jerry mug", "available": False, "url": "https://shop.example.org/product/1/",
        "attributes": {"Color": ["Black", "Green"], "category": "Clothing"}, "description": "Good & cheap.",
    }  # fmt: skip
    [other] = await found(admin, made["id"], query="120")
    assert other == "120"


async def test_a_shop_with_another_key_says_so(admin: Asker, woo: FakeShop, fetching: Fetching) -> None:
    """
    Nothing is taken.
    """
    key = {**woo.key, "consumer_secret": "cs_wrong"}
    made = await connect(admin, woo.url, origin="woocommerce", secrets=key)
    await fetching.next()
    assert (await shown(admin, made["id"]))["failure"] == "http_401"


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "product", "origin": "feed", "url": "http://example.org/"},
        {"kind": "product", "origin": "feed", "url": "https://169.254.169.254/"},
        {"kind": "product", "origin": "endpoint", "url": "https://example.org/"},
        {"kind": "listing", "origin": "woocommerce", "url": "https://example.org/"},
        {"kind": "product", "origin": "woocommerce", "url": "https://example.org/", "secrets": {"consumer_key": "ck"}},
        {"kind": "product", "origin": "feed", "url": "https://example.org/", "secrets": {"Host": "internal"}},
        {"kind": "order", "origin": "endpoint", "url": "https://example.org/", "results": ["$[*]"]},
        {"kind": "order", "origin": "endpoint", "url": "https://example.org/{number}"},
        {"kind": "order", "origin": "endpoint", "url": "https://example.org/", "secrets": {"Idempotency-Key": "x"}},
    ],
)
async def test_what_cannot_be_fetched_is_not_set_up(admin: Asker, body: dict[str, Any]) -> None:
    """
    The answer says what is wrong with it.
    """
    answer = await admin.ask("POST", "data-sources", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "definition_unfit")


async def test_orders_are_kept_sealed_and_their_customers_as_hashes(admin: Asker, store: Store) -> None:
    """
    And are not searched: they are found for their customers alone.
    """
    text = "number,status,phone,email\n1001,on its way,+14155550123,ann@example.org\n"
    source = (await send(admin, text, kind="order")).json()["id"]
    assert (await admin.ask("POST", f"data-sources/{source}/searches", json={})).status_code == 409
    async with store.connection() as connection:
        row = await (await connection.execute("select o::text as row from customer_order o")).fetchone()
    assert row is not None
    for told in ("4155550123", "ann@example.org", "on its way", b"on its way".hex()):
        assert told not in row["row"]


async def test_with_its_source_all_that_came_from_it_goes(admin: Asker, store: Store) -> None:
    """
    Items, words and orders.
    """
    source = await send(admin, PRODUCTS)
    tag = {"If-Match": source.headers["etag"]}
    assert (await admin.ask("DELETE", f"data-sources/{source.json()['id']}", headers=tag)).status_code == 204
    async with store.connection() as connection:
        for table in ("catalogue_item", "catalogue_word", "customer_order"):
            assert await (await connection.execute(f"select 1 from {table}")).fetchall() == []
