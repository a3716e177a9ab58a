"""Who may ask what: every route, with every kind of key."""

from collections.abc import Iterator

import httpx2
import pytest
from fastapi.routing import iter_route_contexts

from services.console.access import SCOPES
from services.console.api.routes import Route
from shared.store.session import Store
from tests.fakes.account import FakeAccount
from tests.services.console.api.conftest import ONE, OTHER, Asker, MakeAsker
from tests.services.console.api.examples import EXAMPLES, Example, plant_everything
from tests.services.console.api.past import Past
from tests.services.console.conftest import Client

pytestmark = pytest.mark.usefixtures("everything")


@pytest.fixture
async def everything(past: Past, twilio: FakeAccount) -> None:
    await plant_everything(past, twilio)


def routes(web: Client) -> Iterator[tuple[Route, Example]]:
    """Return every route of the application with its example."""
    for each in iter_route_contexts(web._transport.app.routes):  # type: ignore[attr-defined]
        if str(each.path).startswith("/v1"):
            route = each.original_route
            assert isinstance(route, Route), f"{each.path} asks nobody who they are: use route_class=Route"
            assert route.name in EXAMPLES, f"{route.name} is a new route: add a request for it to examples.py"
            yield route, EXAMPLES[route.name]


async def answer(asker: Asker, example: Example) -> httpx2.Response:
    found: httpx2.Response = await asker.ask(example.method, example.path, json=example.body, headers=example.headers)
    return found


def works(answer: httpx2.Response) -> bool:
    return answer.is_success


async def test_without_a_key_every_route_answers_401(web: Client) -> None:
    """
    And tells nothing, not even whether there is such a thing.
    """
    for route, example in routes(web):
        found = await answer(Asker(web, "nobody"), example)
        assert (found.status_code, found.json()["code"]) == (401, "unauthorized"), route.name


async def test_a_key_without_the_routes_own_scope_is_refused(web: Client, asker: MakeAsker) -> None:
    """
    403, though it has every other; what is the platform's alone answers a company's key as if it were not there.
    """
    for route, example in routes(web):
        found = await answer(await asker(ONE, SCOPES - {route._scope}), example)
        assert found.status_code == (404 if route._platform else 403), route.name
        found = await answer(await asker(None, SCOPES - {route._scope}), example)
        assert found.status_code == 403, route.name


async def test_a_companys_key_does_what_is_the_companys(web: Client, admin: Asker) -> None:
    """
    With the scopes; what is the platform's alone is not there for it.
    """
    for route, example in routes(web):
        found = await answer(admin, example)
        assert found.status_code == 404 if route._platform else works(found), (route.name, found.text)


async def test_the_scope_of_a_route_is_enough_for_it(web: Client, asker: MakeAsker) -> None:
    """
    No second scope is needed, but what a new key is given its maker needs too.
    """
    for route, example in routes(web):
        if not route._platform and route.name != "create_api_key":
            found = await answer(await asker(ONE, {route._scope}), example)
            assert works(found), (route.name, found.text)


async def test_another_companys_key_finds_nothing(web: Client, asker: MakeAsker, store: Store) -> None:
    """
    404, or a list without anything of the first company's; each 404 is audited.
    """
    stranger = await asker(OTHER)
    tried = []
    for route, example in routes(web):
        found = await answer(stranger, example)
        assert found.status_code == 404 or (works(found) and "_one" not in found.text), (route.name, found.text)
        if found.status_code == 404:
            tried.append((example.method, route.path))
    async with store.connection() as connection:
        cursor = await connection.execute(
            "select after from audit where action = 'access.refused' and tenant_id = %s order by id", (OTHER,)
        )
        told = [(row["after"]["method"], row["after"]["path"]) for row in await cursor.fetchall()]
    assert told == tried
    for route, example in routes(web):
        if example.method == "GET" and not route._platform:
            assert works(await answer(await asker(ONE), example)), f"{route.name}: the stranger changed something"


async def test_the_platforms_key_does_everything(web: Client, platform: Asker) -> None:
    """
    For whichever company it names.
    """
    for route, example in routes(web):
        found = await answer(platform, example)
        assert works(found), (route.name, found.text)


async def test_each_example_is_of_a_route(web: Client) -> None:
    """
    And of the very route that it is named for.
    """
    named = {route.name: (route.methods or set(), route.path_regex) for route, _ in routes(web)}
    assert named.keys() == EXAMPLES.keys()
    for name, example in EXAMPLES.items():
        methods, path = named[name]
        assert example.method in methods
        assert path.match(f"/v1/{example.path.partition('?')[0]}"), name
