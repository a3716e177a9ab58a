"""One simulator and one gateway for all; each test finds them empty."""

from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from twilio.rest import Client

from dev.simulator.accounts import Account
from dev.simulator.lines import Hook, Number, Sender
from dev.simulator.testing import ACCOUNT_SID, AUTH_TOKEN, SENDER, Running, simulator
from shared.channels.whatsapp_twilio.http import TwilioHttp
from tests.simulator.gateway import PERSON, PUBLIC_URL, Gateway, serving
from tests.simulator.twilio import Twilio

FRAGMENT = "#rc=5&rp=5xx,ct,rt&ct=2000&rt=4000&tt=15000"
"""What our documentation tells tenants to configure."""


@pytest.fixture(scope="package")
async def running_gateway() -> AsyncIterator[Gateway]:
    gateway = Gateway()
    async with serving(gateway, gateway.port):
        yield gateway


@pytest.fixture(scope="package")
async def running_simulator(running_gateway: Gateway) -> AsyncIterator[Running]:
    async with simulator(PUBLIC_URL + FRAGMENT, running_gateway.url) as running:
        running.world.pace = 0.2
        yield running


@pytest.fixture
async def sim(running_simulator: Running, running_gateway: Gateway) -> AsyncIterator[Running]:
    """The simulator, to whose line PERSON wrote just now."""
    world = running_simulator.world
    await world.reset()
    world.hear(PERSON, SENDER, world.now())
    running_gateway.reset()
    yield running_simulator
    await running_simulator.world.reset()


@pytest.fixture
def gateway(sim: Running, running_gateway: Gateway) -> Gateway:
    return running_gateway


@pytest.fixture
def twilio(sim: Running, gateway: Gateway) -> Twilio:
    return Twilio(sim, gateway.status_url)


@pytest.fixture
async def sdk(sim: Running) -> AsyncIterator[Callable[..., Client]]:
    """Twilio's own client for the account, with the given token."""
    async with aiohttp.ClientSession() as session:
        http = TwilioHttp(session, sim.url)

        def made(token: str = AUTH_TOKEN) -> Client:
            return Client(ACCOUNT_SID, token, http_client=http, environment={"TWILIO": "off"})

        yield made


@pytest.fixture
def account(sim: Running) -> Account:
    return sim.world.accounts.first


@pytest.fixture
def sender(account: Account) -> Sender:
    line = account.line(SENDER)
    assert isinstance(line, Sender)
    return line


@pytest.fixture
def number(account: Account) -> Number:
    line = account.add("+15005550011", Hook())
    assert isinstance(line, Number)
    return line
