"""A browser before the simulator's phone page or the console; any error that the page's console shows fails the test."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from dev.embedded import NatsServer, PostgresServer
from dev.simulator.testing import SENDER, Running, simulator
from shared.addresses import Pepper
from shared.bus import open_bus
from shared.store.data_keys import DataKeys
from shared.store.session import open_store
from shared.vault import TenantVault, Vault
from tests.browser.console import PASSWORD as CONSOLE_PASSWORD
from tests.browser.console import Console
from tests.browser.console import console as running
from tests.browser.look import Window, window
from tests.conftest import PASSWORD
from tests.eventually import DEADLINE
from tests.simulator.gateway import PATH, PERSON, Gateway, serving
from tests.simulator.twilio import Twilio

PHONE = "+15550007777"

OpenWindow = Callable[..., Awaitable[Window]]

_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first one that is there: the shell draws the same pages with half the processor time."""

expect.set_options(timeout=DEADLINE * 1000)


@dataclass
class PhonePage:
    """The page, seen as a person sees it."""

    page: Page
    errors: list[str] = field(default_factory=list)

    @property
    def text(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message")

    @property
    def phone(self) -> Locator:
        return self.page.get_by_label("Phone")

    @property
    def send(self) -> Locator:
        return self.page.get_by_role("button", name="Send", exact=True)

    @property
    def picture(self) -> Locator:
        return self.page.get_by_role("button", name="Picture")

    @property
    def file(self) -> Locator:
        return self.page.get_by_role("button", name="File", exact=True)

    @property
    def line(self) -> Locator:
        return self.page.locator(".to")

    @property
    def more(self) -> Locator:
        return self.page.locator(".more summary")

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log", name="Conversation")

    @property
    def banner(self) -> Locator:
        return self.page.get_by_role("alert")

    @property
    def dots(self) -> Locator:
        return self.page.locator(".typing")

    @property
    def written(self) -> Locator:
        """The bubbles that were written here."""
        return self.log.locator(".bubble.out")

    @property
    def received(self) -> Locator:
        """The bubbles that came in."""
        return self.log.locator(".bubble.in")

    async def write(self, text: str) -> None:
        await self.text.fill(text)
        await self.text.press("Enter")

    async def overflow(self) -> int:
        """Return by how many pixels the page is too wide for its window."""
        width: int = await self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return width


@pytest.fixture
async def console(
    postgres: PostgresServer, database_url: str, nats: NatsServer, pepper: Pepper
) -> AsyncIterator[Console]:
    """A console over a database of its own, with its own login."""
    data_keys = DataKeys(Vault({1: b"v" * 32}))
    vault = TenantVault({1: b"v" * 32}, data_keys)
    own = postgres.url_for("console", PASSWORD, urlsplit(database_url).path[1:])
    async with (
        open_bus(nats.url, "test") as bus,
        open_store(own, 10, "console", data_keys) as store,
        open_store(database_url, 4, "test", data_keys) as owned,
        running(own, nats.url, store=store, owned=owned, bus=bus, vault=vault, pepper=pepper) as console,
    ):
        yield console


@pytest.fixture
async def open_window(browser: Browser, console: Console) -> AsyncIterator[OpenWindow]:
    """Open the console in a window of its own, signed in where an account is named; afterwards nothing may be wrong."""
    opened: list[Window] = []

    async def made(as_: str | None = None, **more: Any) -> Window:
        made = await window(browser, console.url, **more)
        opened.append(made)
        if as_ is not None:
            await made.sign_in(as_, CONSOLE_PASSWORD)
        return made

    yield made
    for each in opened:
        await each.close()


OpenPhone = Callable[..., Awaitable[PhonePage]]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield launched
        await launched.close()


@pytest.fixture(scope="package")
async def running_gateway() -> AsyncIterator[Gateway]:
    gateway = Gateway()
    async with serving(gateway, gateway.port):
        yield gateway


@pytest.fixture(scope="package")
async def running_simulator(running_gateway: Gateway) -> AsyncIterator[Running]:
    async with simulator(running_gateway.url + PATH, running_gateway.url) as running:
        yield running


@pytest.fixture
async def sim(running_simulator: Running, running_gateway: Gateway) -> Running:
    """The simulator, to whose line everybody wrote just now."""
    world = running_simulator.world
    await world.reset()
    for person in (f"whatsapp:{PHONE}", PERSON, *world.people.names):
        world.hear(person, SENDER, world.now())
    running_gateway.reset()
    return running_simulator


@pytest.fixture
def gateway(sim: Running, running_gateway: Gateway) -> Gateway:
    return running_gateway


@pytest.fixture
def twilio(sim: Running, gateway: Gateway) -> Twilio:
    return Twilio(sim, gateway.status_url)


@pytest.fixture
async def open_phone(browser: Browser, sim: Running) -> AsyncIterator[OpenPhone]:
    """Open the page in a window of its own; afterwards its console must be empty."""
    opened: list[PhonePage] = []

    async def made(path: str = f"/?phone=%2B{PHONE[1:]}", *, url: str | None = None, width: int = 1440) -> PhonePage:
        context = await browser.new_context(viewport={"width": width, "height": 800})
        context.set_default_timeout(DEADLINE * 1000)
        phone = PhonePage(await context.new_page())
        opened.append(phone)
        phone.page.on("pageerror", lambda error: phone.errors.append(str(error)))
        phone.page.on("console", lambda said: phone.errors.append(said.text) if said.type == "error" else None)
        await phone.page.goto((url or sim.url) + path)
        await expect(phone.page.locator(".to").first).to_have_value(SENDER.removeprefix("whatsapp:"))
        return phone

    yield made
    for phone in opened:
        await phone.page.context.close()
    assert [error for phone in opened for error in phone.errors] == []


@pytest.fixture
async def phone(open_phone: OpenPhone) -> PhonePage:
    return await open_phone()
