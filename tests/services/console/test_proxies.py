"""Whose word counts about where a request came from."""

import httpx2
import pytest
from fastapi import FastAPI, Request

from services.console.__main__ import web_server
from services.console.pages.sign_in import address_of
from services.console.pages.view import View
from tests.services.console.conftest import MakeSettings

PROXY, PERSON = "10.1.2.3", "203.0.113.9"


async def seen(make: MakeSettings, peer: str, **variables: str) -> str:
    """Return where the console takes a request to come from, which `peer` sent with a header of its own making."""
    web = FastAPI()

    @web.get("/")
    async def whence(request: Request) -> str:
        return address_of(View(request, None, is_https=False))

    config = web_server(make(variables), web).config
    config.load()
    transport = httpx2.ASGITransport(app=config.loaded_app, client=(peer, 4711))
    async with httpx2.AsyncClient(transport=transport, base_url="http://console.invalid") as client:
        answer = await client.get("/", headers={"X-Forwarded-For": f"6.6.6.6, {PERSON}"})
    return str(answer.json())


@pytest.mark.parametrize("peer", [PROXY, "127.0.0.1", "8.8.8.8"])
async def test_without_trusted_proxies_it_is_the_peer(configured: MakeSettings, peer: str) -> None:
    """
    Whatever a header says, from this very machine too.
    """
    assert await seen(configured, peer) == peer


async def test_a_trusted_proxys_word_counts_and_nobody_elses(configured: MakeSettings) -> None:
    """
    The last address that no proxy added: what stands before it anybody may have written.
    """
    trusted = {"TRUNKLINE_CONSOLE__PROXIES": "10.0.0.0/8, 192.0.2.1"}
    assert await seen(configured, PROXY, **trusted) == PERSON
    assert await seen(configured, "192.0.2.1", **trusted) == PERSON
    assert await seen(configured, "8.8.8.8", **trusted) == "8.8.8.8"


@pytest.mark.parametrize("value", ["*", "everybody", "10.0.0.0/99"])
def test_what_is_no_network_is_refused_at_start(
    configured: MakeSettings, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    """
    By the variable's name; least of all everybody.
    """
    with pytest.raises(SystemExit):
        configured({"TRUNKLINE_CONSOLE__PROXIES": value})
    assert "TRUNKLINE_CONSOLE__PROXIES" in capsys.readouterr().err
