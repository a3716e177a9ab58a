"""The console's pages in a real browser: each in both themes, wide and narrow, with axe, without an error or a report of the policy."""

import asyncio
from datetime import UTC, datetime

from playwright.async_api import Route, expect

from shared.events import ReplyReady
from shared.ids import ReplyId, ThreadKey
from shared.topology import OUT, out_subject
from tests.browser.conftest import OpenWindow
from tests.browser.console import EMAIL, PASSWORD, Console
from tests.browser.look import NARROW


async def test_pages_without_an_account_look_right(open_window: OpenWindow) -> None:
    """
    Home of a local stack, sign-in, sign-in that failed elsewhere, and first run.
    """
    window = await open_window(width=NARROW)
    pages = {
        "home-out": "/",
        "sign-in": "/sign-in",
        "sign-in-refused": "/sign-in?failed=provider",
        "first-run": "/first-run",
    }
    for name, path in pages.items():
        await window.go(path)
        await window.check(name)


async def test_a_chosen_theme_stands_against_the_systems(open_window: OpenWindow) -> None:
    """
    Dark as by a dark system.
    """
    ground = "getComputedStyle(document.body).backgroundColor"
    chosen, followed = await open_window(theme="dark"), await open_window()
    await chosen.go("/sign-in")
    await followed.go("/sign-in")
    assert await chosen.page.evaluate(ground) != await followed.page.evaluate(ground)
    await followed.page.emulate_media(color_scheme="dark")
    assert await chosen.page.evaluate(ground) == await followed.page.evaluate(ground)


async def test_pages_of_an_admin_look_right(open_window: OpenWindow, console: Console) -> None:
    """
    With a past, without one, and where nothing matches.
    """
    await console.account()
    window = await open_window(EMAIL, width=NARROW)
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
        "second-factor": "/account/second-factor",
        "dead-letters": "/dead-letters",
    }
    for name, path in pages.items():
        await window.go(path)
        await window.check(name)
    await window.page.get_by_role("link", name="The agent took too long").click()
    await expect(window.page.get_by_role("heading", name="The agent took too long")).to_be_visible()
    await window.check("dead-letter")
    await window.go("/dead-letters")
    await window.page.get_by_role("link", name="Discard", exact=True).first.click()
    await expect(window.page.get_by_role("dialog")).to_be_visible()
    await window.check("discard")


async def test_what_comes_meanwhile_is_told_and_moves_no_row(open_window: OpenWindow, console: Console) -> None:
    """
    A button says how many are new; a press shows them.
    """
    await console.account()
    await console.past.plant()
    window = await open_window(EMAIL)
    async with window.page.expect_response("**/changes"):
        await window.go("/messages")
    await console.past.message("msg_acme9", "new", 9, received_at=datetime.now(UTC))
    ready = ReplyReady(tenant=console.past.tenant, thread=ThreadKey("thacme"), reply_id=ReplyId(1))
    await console.bus.publish(OUT, out_subject(console.past.tenant, ThreadKey("thacme")), ready, message_id="new")
    news = window.page.get_by_role("link", name="1 new")
    await expect(news).to_be_visible()
    await expect(window.page.locator("#announced")).to_have_text("1 new")
    await expect(window.page.locator("tbody tr")).to_have_count(4)
    await window.check("messages-news")
    await news.click()
    await expect(window.page.locator("tbody tr")).to_have_count(5)


async def test_an_open_page_whose_session_ended_keeps_what_was_typed_and_leads_to_sign_in_and_back(
    open_window: OpenWindow, console: Console
) -> None:
    """
    To the page that was open, with its filters, and not to the piece that it asked for.
    """
    await console.account()
    await console.past.plant()
    window = await open_window(EMAIL)
    window.provoked = "401"
    async with window.page.expect_response("**/changes"):
        await window.go("/messages?direction=inbound")
    number = window.page.get_by_label("Number")
    await number.fill("+39 333")
    async with console.store.connection() as connection:
        await connection.execute("delete from user_session")
    ready = ReplyReady(tenant=console.past.tenant, thread=ThreadKey("thacme"), reply_id=ReplyId(1))
    await console.bus.publish(OUT, out_subject(console.past.tenant, ThreadKey("thacme")), ready, message_id="ended")
    over = window.page.locator("#session-over")
    await expect(over).to_contain_text("Your session has ended.")
    await expect(number).to_have_value("+39 333")
    await window.check("session-over")
    await over.get_by_role("link", name="Sign in").click()
    await window.page.get_by_label("E-mail address").fill(EMAIL)
    await window.page.get_by_label("Password").fill(PASSWORD)
    await window.page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(window.page.get_by_role("heading", name="Messages", level=1)).to_be_visible()
    assert window.page.url == f"{console.url}/messages?direction=inbound"


async def test_a_first_connection_that_fails_is_made_again(open_window: OpenWindow, console: Console) -> None:
    """
    The page says so until it is back.
    """
    await console.account()
    window = await open_window(EMAIL)
    window.provoked = "503"
    told = asyncio.Event()

    async def refuse(route: Route) -> None:
        if told.is_set():
            await route.continue_()
        else:
            await route.fulfill(status=503, body="")

    await window.page.route("**/changes", refuse)
    await window.go("/messages")
    line = window.page.locator("#connection")
    await expect(line).to_have_text("Reconnecting…")
    told.set()
    await expect(line).to_have_text("")


async def test_the_keyboard_is_enough_to_discard(open_window: OpenWindow, console: Console) -> None:
    """
    The dialog takes the focus, gives it back on Escape, and its form is taken.
    """
    await console.account()
    await console.past.plant()
    await console.letters("window_closed")
    window = await open_window(EMAIL)
    await window.go("/dead-letters")
    keyboard, dialog = window.page.keyboard, window.page.get_by_role("dialog")
    link = window.page.get_by_role("link", name="Discard", exact=True)
    await link.focus()
    await keyboard.press("Enter")
    await expect(dialog).to_be_visible()
    await keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(link).to_be_focused()
    await keyboard.press("Enter")
    await expect(dialog).to_be_visible()
    await dialog.get_by_label("Reason").focus()
    await keyboard.type("asked by phone")
    await keyboard.press("Enter")
    await expect(window.page.get_by_text("Nothing needs attention")).to_be_visible()


async def test_a_replay_of_many_goes_on_by_itself_and_tells_each_ones_result(
    open_window: OpenWindow, console: Console
) -> None:
    """
    A few at a time, with the progress; at the end there is a row for each.
    """
    await console.account()
    await console.past.plant()
    await console.letters(*["turn_timed_out"] * 60)
    window = await open_window(EMAIL)
    await window.go("/dead-letters")
    await window.page.get_by_role("button", name="Replay all").click()
    await expect(window.page.get_by_text("0 of 60 were handed on.")).to_be_visible()
    await expect(window.page.locator("#results th[scope=row]")).to_have_count(60)
    await window.check("replayed")
