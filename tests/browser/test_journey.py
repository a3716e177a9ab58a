"""
The first day of a new admin, as one journey: an empty installation, a keyboard and no mouse.

It is recorded: `playwright show-trace build/journeys/first-day.zip` plays it.
"""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from playwright.async_api import Browser, Locator, expect

from tests.browser.look import Window, window
from tests.eventually import eventually
from tests.journeys.stack import Stack
from tests.journeys.test_conversation import Phone

RECORDED = Path(__file__).parents[2] / "build" / "journeys"
NUMBER, BUSINESS = "+15550100077", "+15005550077"
_MOST_TABS = 150


@dataclass
class Keyboard:
    """Somebody who sees the page and has no mouse."""

    window: Window

    async def to(self, wanted: Locator) -> None:
        """Press Tab until something has the focus."""
        await expect(wanted).to_be_visible()
        for _ in range(_MOST_TABS):
            if await wanted.evaluate("(it) => it === document.activeElement"):
                return
            await self.window.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {wanted}")

    async def press(self, role: str, name: str) -> None:
        """Press a button, or follow a link."""
        await self.to(self.window.page.get_by_role(role, name=name, exact=True).first)  # type: ignore[arg-type]
        await self.window.page.keyboard.press("Enter")

    async def fill(self, label: str, text: str) -> None:
        """Type into a field, in the place of what is there."""
        await self.to(self.window.page.get_by_label(label, exact=True))
        await self.window.page.keyboard.press("Control+A")
        await self.window.page.keyboard.type(text)

    async def choose(self, label: str, text: str) -> None:
        """Choose from a list by its first letters."""
        await self.to(self.window.page.get_by_label(label, exact=True))
        await self.window.page.keyboard.type(text)

    async def sees(self, text: str | re.Pattern[str]) -> None:
        await expect(self.window.page.get_by_text(text).first).to_be_visible()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Stack]:
    """An installation that nobody has signed in to."""
    stack = Stack.at(tmp_path / "home")
    try:
        stack.up()
        yield stack
    finally:
        stack.end()


@pytest.fixture
async def simulator(empty: Stack) -> AsyncIterator[httpx2.AsyncClient]:
    async with empty.simulator() as client:
        yield client


@pytest.fixture
async def keyboard(browser: Browser, empty: Stack) -> AsyncIterator[Keyboard]:
    """A window on the console, which is recorded."""
    opened = await window(browser, empty.status()["console_url"])
    await opened.page.context.tracing.start(screenshots=True, snapshots=True)
    yield Keyboard(opened)
    RECORDED.mkdir(parents=True, exist_ok=True)
    await opened.page.context.tracing.stop(path=RECORDED / "first-day.zip")
    await opened.close()


@pytest.mark.timeout(600)
async def test_the_first_day_of_a_new_admin(keyboard: Keyboard, simulator: httpx2.AsyncClient, empty: Stack) -> None:
    """
    First run, company, agent, channel, four outcomes of a test, a message with its timeline, lead, history, pairing and its end.
    """
    await first_run(keyboard, empty)
    await company(keyboard)
    await agent(keyboard)
    await login(keyboard, simulator)
    await message(keyboard, Phone(simulator, NUMBER))
    await lead_and_history(keyboard)
    await pairing(keyboard, Phone(simulator, NUMBER))
    await force_unbind(keyboard)


async def first_run(keyboard: Keyboard, stack: Stack) -> None:
    """Choose a password with the token of the command line."""
    token = stack.told("users", "setup-token")["token"]
    await keyboard.window.go(f"/first-run#{token}")
    await keyboard.fill("E-mail address", "ada@example.org")
    await keyboard.fill("Your name", "Ada Lovelace")
    await keyboard.fill("Password", "seven green lanterns")
    await keyboard.window.page.keyboard.press("Enter")
    await expect(keyboard.window.page.get_by_role("link", name="Companies")).to_be_visible()


async def company(keyboard: Keyboard) -> None:
    await keyboard.press("link", "Companies")
    await keyboard.press("link", "New company")
    await keyboard.fill("Name", "Acme Clinics")
    await keyboard.press("button", "Make it")
    await keyboard.sees("Made.")


async def agent(keyboard: Keyboard) -> None:
    """Follow what the page for a channel says is missing."""
    await keyboard.to(keyboard.window.page.get_by_role("main").get_by_role("link", name="Channels"))
    await keyboard.window.page.keyboard.press("Enter")
    await keyboard.press("link", "New channel")
    await keyboard.press("link", "Make an agent")
    await keyboard.fill("Name", "Front desk")
    await keyboard.fill("Instructions", "You answer for Acme Clinics.")
    await keyboard.press("button", "Make it")
    await keyboard.sees("Made.")


async def login(keyboard: Keyboard, simulator: httpx2.AsyncClient) -> None:
    """Test with no way to Twilio, with a good token, a wrong one, and an API key; then save and enable."""
    page = keyboard.window.page
    await keyboard.press("link", "Channels")
    await keyboard.choose("Company", "Acme")
    await expect(page).to_have_url(re.compile(r"tenant=tn_(?!default)"))
    await keyboard.press("link", "New channel")
    await simulator.post("/sim/conditions", json={"name": "network_down"})
    await typed(keyboard, "AC" + "0" * 32, "0" * 32)
    await keyboard.fill("WhatsApp number", "+1 500 555 0077")
    await keyboard.press("button", "Test connection")
    await keyboard.sees("Twilio could not be reached. Nothing was changed.")
    await simulator.delete("/sim/conditions")
    order = {"friendly_name": "Acme Clinics", "sender": f"whatsapp:{BUSINESS}"}
    account = (await simulator.post("/sim/accounts", json=order)).json()
    await typed(keyboard, account["account_sid"], account["secret"])
    await keyboard.press("button", "Test connection")
    await keyboard.sees("Connected to “Acme Clinics”.")
    await keyboard.sees("Sender online")
    await keyboard.fill("Auth Token", "0" * 32)
    await keyboard.press("button", "Test connection")
    await keyboard.sees("Invalid credentials. Check Account SID and Auth Token.")
    key = (await simulator.post("/sim/keys", json={"account": account["account_sid"], "permits": ["messages"]})).json()
    await keyboard.to(page.get_by_text("Send with an API key instead"))
    await page.keyboard.press("Enter")
    await keyboard.fill("API key SID", key["user"])
    await keyboard.fill("API key secret", key["secret"])
    await keyboard.press("button", "Test connection")
    await keyboard.sees("Credentials can send. Reading the account name needs the Auth Token.")
    await keyboard.fill("API key SID", "")
    await page.keyboard.press("Delete")
    await keyboard.fill("API key secret", "")
    await page.keyboard.press("Delete")
    await typed(keyboard, account["account_sid"], account["secret"])
    await keyboard.press("button", "Save & Enable")
    await keyboard.sees("Saved and enabled.")
    await keyboard.sees("No signed request seen yet")


async def typed(keyboard: Keyboard, account_sid: str, token: str) -> None:
    await keyboard.fill("Account SID", account_sid)
    await keyboard.fill("Auth Token", token)


async def message(keyboard: Keyboard, phone: Phone) -> None:
    """Say hi; the setup card fills itself in, and the message has its timeline."""
    page = keyboard.window.page
    await phone.say("hi", to=f"whatsapp:{BUSINESS}")
    await phone.gets(1)
    await keyboard.sees("A reply was delivered")
    await keyboard.press("link", "Messages")
    await keyboard.choose("Company", "Acme")
    await keyboard.press("button", "Filter")
    await expect(page.locator("tbody tr")).to_have_count(2)
    await keyboard.to(page.locator("tbody tr").filter(has_text="received").get_by_role("rowheader").get_by_role("link"))
    await page.keyboard.press("Enter")
    for step in ("Webhook received", "Routed", "Agent answered", "Part 1: send attempt", "Part 1: delivered"):
        await keyboard.sees(step)


async def lead_and_history(keyboard: Keyboard) -> None:
    """Who wrote is a lead, and has a conversation."""
    for name in ("Leads", "Chat history"):
        await keyboard.press("link", name)
        await keyboard.choose("Company", "Acme")
        await keyboard.press("button", "Filter")
        await expect(keyboard.window.page.locator("tbody tr")).to_have_count(1)
        await expect(keyboard.window.page.locator("tbody tr")).to_contain_text("WhatsApp")


async def pairing(keyboard: Keyboard, phone: Phone) -> None:
    """Generate a code, send it, and see the page turn."""
    page = keyboard.window.page
    await keyboard.press("link", "My profile")
    await keyboard.press("button", "Generate code")
    code = await page.locator(".pair-code").text_content()
    assert code is not None
    number = await page.locator("dd code").first.text_content()
    await phone.say(f"/pair {code.replace('-', '')}", to=f"whatsapp:{number}")
    await keyboard.sees("Paired with +1 555 ••• 0077")

    async def told() -> bool:
        return any(text.startswith("Paired.") for text in await phone.got())

    await eventually(told)


async def force_unbind(keyboard: Keyboard) -> None:
    """End the pairing with a reason; the profile knows."""
    await keyboard.press("link", "Bindings")
    await keyboard.press("link", "Force unbind")
    await keyboard.fill("Reason", "the phone was lost")
    await keyboard.press("button", "Force unbind")
    await keyboard.sees("Nobody has paired yet")
    await keyboard.press("link", "My profile")
    await keyboard.sees("Not paired")
