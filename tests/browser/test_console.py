"""The console's pages in a real browser: each in both themes, wide and narrow, with axe, without an error or a report of the policy."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenWindow
from tests.browser.console import EMAIL, PASSWORD, Console
from tests.browser.look import THEMES, WIDTHS

every_look = pytest.mark.parametrize(("theme", "width"), [(theme, width) for theme in THEMES for width in WIDTHS])


@every_look
async def test_pages_without_an_account_look_right(open_window: OpenWindow, theme: str, width: int) -> None:
    """
    Home of a local stack, sign-in, first run and what is not there.
    """
    window = await open_window(theme=theme, width=width)
    for name, path in {"home-out": "/", "sign-in": "/sign-in", "first-run": "/first-run"}.items():
        await window.go(path)
        await window.check(name)


@every_look
async def test_pages_of_an_admin_look_right(open_window: OpenWindow, console: Console, theme: str, width: int) -> None:
    """
    With a past, without one, and where nothing matches.
    """
    await console.account()
    window = await open_window(EMAIL, theme=theme, width=width)
    for name, path in {"messages-empty": "/messages", "dead-letters-empty": "/dead-letters", "home": "/"}.items():
        await window.go(path)
        await window.check(name)
    await console.past.settings(history=True, privacy="encrypted")
    await console.past.plant()
    await console.letters("window_closed", "turn_timed_out", "outcome_unknown")
    pages = {
        "messages": "/messages",
        "messages-nothing": "/messages?status=failed",
        "message-in": "/messages/msg_acme1",
        "message-out": "/messages/pt_1",
        "dead-letters": "/dead-letters",
        "second-factor": "/account/second-factor",
    }
    for name, path in pages.items():
        await window.go(path)
        await window.check(name)
    await window.go("/dead-letters")
    await window.page.get_by_role("link", name="Discard", exact=True).first.click()
    await expect(window.page.get_by_role("dialog")).to_be_visible()
    await window.check("discard")
