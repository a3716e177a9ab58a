"""The console's first page: how the services do, and where to go from here."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from dev.embedded.ports import free_port
from shared.ops import Check, ops_app, serving
from tests.services.console.conftest import MakeSettings, OpenConsole


async def fine() -> str | None:
    return None


async def away() -> str | None:
    return "not connected"


async def home(opened: OpenConsole, configured: MakeSettings, services: str = "", links: str = "") -> str:
    """Return the page over these services and links."""
    settings = configured(
        {"TRUNKLINE_CONSOLE__SERVICES": services, "TRUNKLINE_CONSOLE__LINKS": links, "TRUNKLINE_ENVIRONMENT": "local"}
    )
    async with opened(settings) as client:
        answer = await client.get("/")
    assert answer.status_code == 200
    return answer.text


async def with_service(check: Check, look: Callable[[str], Awaitable[str]]) -> str:
    """Return what is seen while a service with this check runs."""
    port = free_port()
    async with serving(ops_app({"nats": check}), "127.0.0.1", port):
        return await look(f"router=http://127.0.0.1:{port}")


async def test_a_ready_service_is_shown_with_what_it_depends_on(opened: OpenConsole, configured: MakeSettings) -> None:
    """
    In words, not by colour alone.
    """
    page = await with_service(fine, lambda services: home(opened, configured, services))
    assert "All services are ready." in page
    assert "Ready</span>" in page
    assert "nats: ok" in page


async def test_a_service_that_is_not_ready_says_what_is_missing(opened: OpenConsole, configured: MakeSettings) -> None:
    """
    It runs, but its bus is away.
    """
    page = await with_service(away, lambda services: home(opened, configured, services))
    assert "Some services are not ready." in page
    assert "Not ready</span>" in page
    assert "nats: not connected" in page


async def test_a_service_that_does_not_answer_is_down(opened: OpenConsole, configured: MakeSettings) -> None:
    """
    The page comes all the same.
    """
    page = await home(opened, configured, f"router=http://127.0.0.1:{free_port()}")
    assert "Down</span>" in page
    assert "Some services are not ready." in page


async def test_a_service_whose_address_is_none_is_down(opened: OpenConsole, configured: MakeSettings) -> None:
    """
    A slip in the variable does not take the page away.
    """
    assert "Down</span>" in await home(opened, configured, "router=http://[::1")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"ok"', b'{"checks": [1]}', b"\xff"])
async def test_a_service_that_answers_nonsense_is_down(
    opened: OpenConsole, configured: MakeSettings, body: bytes
) -> None:
    """
    Another program may listen at that port.
    """

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        page = await home(opened, configured, f"router=http://127.0.0.1:{port}")
    assert "Down</span>" in page


async def test_services_are_shown_in_the_order_of_the_variable(opened: OpenConsole, configured: MakeSettings) -> None:
    """
    As the message flows.
    """
    names = ("ingress", "router", "agent", "egress")
    page = await home(opened, configured, ",".join(f"{name}=http://127.0.0.1:{free_port()}" for name in names))
    places = [page.index(f">{name}</th>") for name in names]
    assert places == sorted(places)


async def test_without_services_the_page_names_the_variable(opened: OpenConsole, configured: MakeSettings) -> None:
    """
    An empty table would explain nothing.
    """
    assert "TRUNKLINE_CONSOLE__SERVICES" in await home(opened, configured)


async def test_links_lead_on(opened: OpenConsole, configured: MakeSettings) -> None:
    """
    To the simulator, for example; an address may contain an equals sign.
    """
    page = await home(opened, configured, links="Phone simulator=http://127.0.0.1:8082/?a=1")
    assert 'href="http://127.0.0.1:8082/?a=1"' in page
    assert "Phone simulator</a>" in page


async def test_names_cannot_bring_markup_into_the_page(opened: OpenConsole, configured: MakeSettings) -> None:
    """
    Everything is escaped.
    """
    page = await home(opened, configured, f"<script>=http://127.0.0.1:{free_port()}", '"><b>x=http://127.0.0.1/')
    assert "<script>" not in page
    assert "<b>" not in page


async def test_elsewhere_than_on_a_local_stack_the_page_asks_who_looks(
    opened: OpenConsole, configured: MakeSettings
) -> None:
    """
    Which services run is nobody else's business.
    """
    async with opened(configured()) as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
