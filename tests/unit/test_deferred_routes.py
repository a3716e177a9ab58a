"""Routes of which FastAPI finds out what they take and answer when they are first asked."""

import httpx2
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import FastAPIError

from services.console import deferred
from services.console.deferred import Deferred


class Unreadable:
    """What FastAPI knows no way to read."""


def asking(*routers: APIRouter) -> httpx2.AsyncClient:
    web = FastAPI()
    for router in routers:
        deferred.install(web, router)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=web), base_url="http://console.invalid")


@pytest.fixture
def things() -> APIRouter:
    router = APIRouter(prefix="/things", route_class=Deferred)

    @router.get("/{thing}")
    async def one(thing: int) -> dict[str, int]:
        return {"thing": thing}

    @router.post("/{thing}", status_code=201)
    async def made(thing: int) -> None:
        """Nothing is said."""

    return router


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/things/7", 200),
        ("GET", "/things/seven", 422),
        ("POST", "/things/7", 201),
        ("HEAD", "/things/7", 405),
        ("GET", "/others/7", 404),
    ],
)
async def test_a_route_answers_as_fastapis_own_does(things: APIRouter, method: str, path: str, status: int) -> None:
    """
    At the first time and at every other.
    """
    async with asking(things) as client:
        assert [(await client.request(method, path)).status_code for _ in range(2)] == [status, status]


async def test_a_route_that_nobody_asks_is_not_looked_at(things: APIRouter) -> None:
    """
    Nothing can be wrong with one yet: this one FastAPI refuses once it is asked.
    """

    @things.put("/{thing}")
    async def wrong(thing: Unreadable) -> None:
        """Never called."""

    async with asking(things) as client:
        assert (await client.get("/things/7")).json() == {"thing": 7}
        with pytest.raises(FastAPIError):
            await client.put("/things/7")


def test_what_a_route_takes_and_answers_is_there_for_whoever_describes_it(things: APIRouter) -> None:
    """
    And what is no route's is nowhere.
    """
    web = FastAPI()
    deferred.install(web, things)
    operation = web.openapi()["paths"]["/things/{thing}"]["get"]
    assert operation["parameters"][0]["schema"]["type"] == "integer"
    with pytest.raises(AttributeError):
        things.routes[0].nothing_of_the_kind  # type: ignore[attr-defined]  # noqa: B018
