"""`find_product`, `find_listing` and `order_status` on the whole way from a person's message."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from services.agent.llm import Completion, Said
from services.agent.orders import NOT_FOUND, Orders
from services.agent.shop import TenantsShop
from services.console.access import SCOPES, Principal
from services.console.catalogue import Sources
from services.console.catalogue_imports import Imports, Upload
from shared.catalogue import Catalogue
from shared.ids import TenantId
from shared.outbound import Guard
from shared.store.session import Store
from tests.fakes.model import Script, asks_for
from tests.fakes.web import FakeWeb, reply
from tests.fakes.woocommerce import FakeShop, shop
from tests.services.agent.conftest import Act
from tests.services.agent.test_agent import Desks
from tests.services.desk import SECOND, TENANT, Person, Platform

WHO = Principal("key/test", None, SCOPES)
ANN, BOB = "+15550001", "+15550002"
PRODUCTS = (
    "id,name,price,currency,available,url,colour\nb1,Red bicycle,199.50,EUR,yes,https://shop.example.org/b1,red\n"
)
ORDERS = (
    f"number,status,phone,email,total,currency\n#1001,shipped,{ANN},,20,EUR\n1002,paid,{BOB},ann@example.org,30,EUR\n"
)

Take = Callable[..., Awaitable[Any]]
Start = Callable[[Script], Awaitable[Desks]]


@pytest.fixture
async def take(platform: Platform, console_store: Store) -> Take:
    """Take a file in for a tenant, as the console does."""
    await platform.plant()
    await platform.plant_second()
    imports = Imports(console_store, platform.vault, platform.pepper)

    async def taken(kind: str, text: str, tenant: TenantId = TENANT) -> Any:
        return await imports.take(WHO, tenant, Upload(kind, text, None, None, "english"))

    return taken


@pytest.fixture
def start(acting: Act, agent_store: Store, platform: Platform, guard: Guard) -> Start:
    """Start a router and an agent that has a shop."""

    async def started(script: Script) -> Desks:
        here = await acting(script)
        orders = Orders(agent_store, platform.vault, platform.pepper, guard)
        here.agent.shop = TenantsShop(Catalogue(agent_store), orders)
        return here

    return started


def asking(tool: str, **arguments: Any) -> Script:
    """Ask for a tool, then say what it answered."""

    def script(messages: list[Said], _tools: list[Said]) -> Completion:
        heard = [str(message["content"]) for message in messages if message["role"] == "tool"]
        return Completion(heard[-1]) if heard else asks_for((tool, json.dumps(arguments)))

    return script


async def said_to(here: Desks, person: Person) -> str:
    await person.writes("?")
    return (await here.replies(person, 1))[0]


async def offered(start: Start) -> list[str]:
    names: list[str] = []

    def script(_messages: list[Said], tools: list[Said]) -> Completion:
        names.extend(tool["function"]["name"] for tool in tools)
        return Completion("Hm.")

    here = await start(script)
    await said_to(here, here.person())
    return names


async def test_tools_are_offered_where_there_is_something_to_find(take: Take, start: Start) -> None:
    """
    Another company's products are no reason.
    """
    await take("product", PRODUCTS)
    await take("listing", PRODUCTS, tenant=SECOND)
    assert await offered(start) == ["find_product", "contact_form"]


async def test_listings_and_orders_are_offered_as_well(take: Take, start: Start) -> None:
    """
    Each kind by itself.
    """
    await take("listing", PRODUCTS)
    await take("order", ORDERS)
    assert await offered(start) == ["find_listing", "order_status", "contact_form"]


async def test_a_product_is_told_as_data(take: Take, start: Start) -> None:
    """
    With its price and currency, whether it can be had, and its address.
    """
    await take("product", PRODUCTS)
    here = await start(asking("find_product", query="red bycicle", max_price=200))
    assert json.loads(await said_to(here, here.person())) == {
        "items": [
            {
                "id": "b1", "name": "Red bicycle", "price": 199.5, "currency": "EUR", "available": True,
                "url": "https://shop.example.org/b1", "attributes": {"colour": "red"},
            }
        ]
    }  # fmt: skip


async def test_where_nothing_fits_the_model_hears_what_it_may_ask_for(take: Take, start: Start) -> None:
    """
    The names of the attributes that there are.
    """
    await take("product", PRODUCTS)
    here = await start(asking("find_product", query="bicycle", attributes={"color": "red"}))
    assert json.loads(await said_to(here, here.person())) == {"items": [], "attributes": ["colour"]}


async def test_a_catalogue_is_told_up_to_8_kib(take: Take, start: Start) -> None:
    """
    Whole items, the best first.
    """
    rows = [
        {"id": str(n), "name": f"Chair {n} " + "x" * 250, "description": "y" * 4000, "a": ["z" * 300] * 5}
        for n in range(9)
    ]
    await take("product", json.dumps(rows))
    here = await start(asking("find_product", query="chair"))
    told = await said_to(here, here.person())
    assert len(told.encode()) <= 8192
    assert len(json.loads(told)["items"]) == 3


@pytest.mark.parametrize("number", ["1001", "#1001", ""])
async def test_a_person_is_told_of_their_own_order(take: Take, start: Start, number: str) -> None:
    """
    By its number, however it is written; without one, of their latest.
    """
    await take("order", ORDERS)
    here = await start(asking("order_status", number=number))
    told = json.loads(await said_to(here, here.person(ANN)))
    assert told == {"orders": [{"number": "#1001", "status": "shipped", "total": "20", "currency": "EUR"}]}


@pytest.mark.parametrize("number", ["1002", "9999"])
async def test_somebody_elses_order_is_answered_like_none(take: Take, start: Start, number: str) -> None:
    """
    In the very same words.
    """
    await take("order", ORDERS)
    here = await start(asking("order_status", number=number))
    assert await said_to(here, here.person(ANN)) == NOT_FOUND


async def test_another_companys_orders_are_nobodys_here(take: Take, start: Start) -> None:
    """
    Whoever wrote to this one.
    """
    await take("order", ORDERS, tenant=SECOND)
    await take("order", ORDERS.replace(ANN, "+15550009"))
    here = await start(asking("order_status", number="1001"))
    assert await said_to(here, here.person(ANN)) == NOT_FOUND


async def test_a_paired_user_is_known_by_their_email_too(take: Take, start: Start) -> None:
    """
    An order that was placed with another number is theirs.
    """
    await take("order", ORDERS)
    here = await start(asking("order_status", number="1002"))
    ann = here.person(ANN)
    await here.platform.code("ABCDEFGH")
    await ann.writes("/pair ABCDEFGH")
    await here.replies(ann, 1)
    await ann.writes("?")
    assert '"number":"1002"' in (await here.replies(ann, 2))[1]


async def test_what_a_model_says_of_who_it_is_counts_for_nothing(take: Take, start: Start) -> None:
    """
    There is no such argument.
    """
    await take("order", ORDERS)
    here = await start(asking("order_status", number="1002", phone=BOB))
    assert "do not fit" in await said_to(here, here.person(ANN))


@pytest.fixture
async def woo() -> AsyncIterator[FakeShop]:
    async with shop() as opened:
        yield opened


async def connects(
    console_store: Store, platform: Platform, guard: Guard, origin: str, url: str, **secrets: str
) -> None:
    values: dict[str, Any] = {
        "origin": origin, "kind": "order", "url": url, "currency": None, "country": "US", "language": "simple",
        "results": [], "every_minutes": None,
    }  # fmt: skip
    await Sources(console_store, platform.vault, guard.allowed).make(WHO, TENANT, values, secrets)


@pytest.mark.parametrize(("number", "found"), [("727", True), ("728", False), ("9999", False), ("727/../728", False)])
async def test_a_shop_is_asked_for_the_persons_own_order(  # noqa: PLR0917 - fixtures
    take: Take, start: Start, woo: FakeShop, console_store: Store, platform: Platform, guard: Guard, number: str,
    found: bool,  # noqa: FBT001 - a case
) -> None:  # fmt: skip
    """
    It is theirs by the number of its billing address, as people write it; nothing of it is kept.
    """
    woo.orders[727]["billing"]["phone"] = "(212) 555-0001"
    woo.orders[728]["billing"]["phone"] = "(212) 555-0002"
    await connects(console_store, platform, guard, "woocommerce", woo.url, **woo.key)
    here = await start(asking("order_status", number=number))
    told = await said_to(here, here.person("+12125550001"))
    assert (told != NOT_FOUND) is found
    assert not found or json.loads(told)["orders"][0]["status"] == "processing"
    assert await here.rows("select 1 from customer_order") == []
    assert woo.refused == []


async def test_a_service_of_the_tenants_is_told_who_asks(  # noqa: PLR0917 - fixtures
    take: Take, start: Start, services: FakeWeb, console_store: Store, platform: Platform, guard: Guard
) -> None:
    """
    By the session, whatever the model says; its secret goes along and is told to nobody.
    """
    services.respond = lambda _asked: reply('{"status": "on its way", "key": "Bearer a-secret"}')
    await connects(
        console_store, platform, guard, "endpoint", f"{services.url}/orders", Authorization="Bearer a-secret"
    )
    here = await start(asking("order_status", number="7"))
    told = await said_to(here, here.person(ANN))
    assert "on its way" in told
    assert "a-secret" not in told
    [asked] = services.asked
    [row] = await here.rows("select contact_id from conversation")
    assert json.loads(asked.body) == {
        "number": "7", "customer": {"contact": row["contact_id"], "user": None, "phone": ANN, "email": None},
    }  # fmt: skip
    assert asked.headers["authorization"] == "Bearer a-secret"


@pytest.mark.parametrize("status", [403, 404])
async def test_a_service_that_does_not_tell_is_answered_like_no_order(  # noqa: PLR0917 - fixtures
    take: Take, start: Start, services: FakeWeb, console_store: Store, platform: Platform, guard: Guard, status: int
) -> None:
    """
    Whether it is not there or somebody else's.
    """
    services.respond = lambda _asked: reply('{"error": "belongs to Bob"}', status=status)
    await connects(console_store, platform, guard, "endpoint", services.url)
    here = await start(asking("order_status", number="7"))
    assert await said_to(here, here.person(ANN)) == NOT_FOUND
