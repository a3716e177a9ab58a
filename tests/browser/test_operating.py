"""What admins look at every day, in a real browser: each page in both themes, wide and narrow, with axe."""

from datetime import timedelta

from playwright.async_api import expect
from psycopg.types.json import Jsonb

from services.console.rollups import Rollups
from shared.events import InboundSettled
from shared.ids import ThreadKey
from shared.topology import inbound_settled_subject
from tests.browser.conftest import OpenWindow
from tests.browser.console import EMAIL, Console
from tests.browser.look import NARROW
from tests.services.console.api.past import NOON


async def busy(console: Console) -> None:
    """Let a day pass: messages, answers of all speeds, and a few failures."""
    past = console.past
    await past.settings(history=True, privacy="encrypted")
    await past.plant()
    for n in range(40):
        at = NOON - timedelta(minutes=17 * (39 - n))
        await past.message(f"msg_busy{n}", "hello", 100 + n, conversation_id="cv_acme", received_at=at)
        reply = await past.reply(f"rp_busy{n}", "Hi", 100 + n, conversation_id="cv_acme", kind="agent", received_at=at)
        state, after = "undelivered" if n % 13 == 5 else "read", timedelta(milliseconds=900 + 137 * (n % 11) ** 2)
        part = await past.part(reply, 1, "Hi", state, created_at=at + after, provider_sid=f"SMbusy{n}")
        async with console.store.connection() as connection:
            await connection.execute("update part set accepted_at = created_at where id = %s", (part,))
        await past.insert("attempt", id=f"at_busy{n}", part_id=part, outcome="accepted")
    async with console.store.connection() as connection:
        await connection.execute("update thread set last_seq = 140, asked_seq = 140, done_seq = 140")
    await Rollups(console.past.store).run()
    await Rollups(console.past.store).count_people()


async def test_monitoring_looks_right(open_window: OpenWindow, console: Console) -> None:
    """
    Before the first message, with charts, and with one of them as a table.
    """
    await console.account()
    window = await open_window(EMAIL, width=NARROW)
    await window.go("/monitoring?tenant=tn_acme")
    await window.check("monitoring-empty")
    await busy(console)
    await window.go("/monitoring?tenant=tn_acme")
    await expect(window.page.locator(".chart canvas")).to_have_count(3)
    await window.check("monitoring")
    await window.page.get_by_role("link", name="Show as table").first.click()
    await expect(window.page.get_by_role("link", name="Show as chart")).to_be_visible()
    await expect(window.page.locator(".chart canvas")).to_have_count(2)
    await window.check("monitoring-table")


async def test_chat_history_looks_right(open_window: OpenWindow, console: Console) -> None:
    """
    Without a conversation, with some, with history off, a thread, and the question before somebody is erased.
    """
    await console.account()
    window = await open_window(EMAIL, width=NARROW)
    await window.go("/history?tenant=tn_acme")
    await window.check("history-empty")
    await busy(console)
    await console.past.message("msg_acmereset", "/reset", 3, outcome="command/reset", conversation_id="cv_acme")
    for name, path in {
        "history": "/history?tenant=tn_acme",
        "history-nothing": "/history?channel=web",
        "thread": "/history/cv_acme",
    }.items():
        await window.go(path)
        await window.check(name)
    await window.page.get_by_role("link", name="Erase", exact=True).click()
    await expect(window.page.get_by_role("dialog")).to_be_visible()
    await window.check("erase")
    await window.page.keyboard.press("Escape")
    await window.page.get_by_role("button", name="Take over").click()
    await expect(window.page.get_by_label("Your answer")).to_be_visible()
    await window.page.get_by_label("Your answer").fill("I am a person.")
    await window.page.get_by_role("button", name="Send").click()
    await expect(window.page.locator(".said.outbound").filter(has_text="I am a person.")).to_be_visible()
    await window.check("thread-taken")
    await window.page.get_by_label("Your answer").fill("I am still")
    facts = {"conversation_id": "cv_acme", "outcome": "handed_off", "received_at": NOON + timedelta(hours=3)}
    await console.past.message("msg_acmelate", "Are you there?", 141, **facts)
    tenant, thread = console.past.tenant, ThreadKey("thacme")
    settled = InboundSettled(tenant=tenant, thread=thread)
    await console.bus.announce(inbound_settled_subject(tenant, thread), settled)
    await expect(window.page.locator(".said.inbound").filter(has_text="Are you there?")).to_be_visible()
    await expect(window.page.get_by_label("Your answer")).to_have_value("I am still")
    await console.past.settings(history=False)
    await window.go("/history/cv_acme")
    await window.check("thread-off")


async def test_lists_hold_italian_and_long_names(open_window: OpenWindow, console: Console) -> None:
    """
    Words are longer there, and people call themselves what they like.
    """
    await console.account()
    await busy(console)
    await console.past.person("ct_long", "+393330000009", "Nome lunghissimo " * 12)
    await console.past.conversation("cv_long", "ct_long")
    await console.letters("window_closed", "outcome_unknown")
    window = await open_window(EMAIL, width=NARROW, language="it")
    for name in ("monitoring", "messages", "history", "dead-letters", "leads", "channels"):
        await window.go(f"/{name}?tenant=tn_acme")
        await window.check(f"{name}-italian")


async def test_people_and_system_look_right(open_window: OpenWindow, console: Console) -> None:
    """
    Bindings, leads, users, audit and system: before anything was there, and with something; the dialogs.
    """
    await console.account()
    window = await open_window(EMAIL, width=NARROW)
    for name in ("bindings", "leads"):
        await window.go(f"/{name}?tenant=tn_acme")
        await window.check(f"{name}-empty")
    await console.past.plant()
    await console.past.pair()
    await console.past.settings(privacy="encrypted")
    source = {"kind": "ad", "id": "120210", "url": "https://fb.me/abc", "headline": "Two nights for the price of one"}
    async with console.store.connection() as connection:
        await connection.execute("update lead set source = %s", (Jsonb(source),))
    await console.past.insert(
        "audit",
        id="au_z",
        actor="user/us_ada",
        action="agent.changed",
        object="ag_acme",
        before={"name": "A"},
        after={"name": "B"},
    )
    for name in ("bindings", "leads", "users", "audit", "system"):
        await window.go(f"/{name}")
        await window.check(name)
    await window.go("/audit?object=ag_acme")
    await window.page.locator("tbody").get_by_text("Show").click()
    await window.check("audit-difference")
    for name, path, way in (("unbind", "/bindings", "Force unbind"), ("user-new", "/users", "Add a user")):
        await window.go(path)
        await window.page.get_by_role("link", name=way).first.click()
        await expect(window.page.get_by_role("dialog")).to_be_visible()
        await window.check(name)
    await window.page.get_by_role("dialog").get_by_label("E-mail address").fill("bo@example.org")
    await window.page.get_by_role("dialog").get_by_label("Name").fill("Bo")
    await window.page.get_by_role("dialog").get_by_role("button", name="Add").click()
    await expect(window.page.get_by_role("heading", name="Setup token")).to_be_visible()
    await window.check("user-token")


async def test_one_of_many_companies_is_found_by_keyboard(open_window: OpenWindow, console: Console) -> None:
    """
    From a list's filters to the search and back, with what else is asked for there; in Italian, with long names.
    """
    await console.account()
    async with console.store.connection() as connection:
        await connection.execute(
            """
            insert into tenant (id, name)
            select 'tn_' || n, 'Studio Dentistico Associato Żółkiewski & Figli ' || n from generate_series(1, 60) n
            """
        )
    window = await open_window(EMAIL, width=NARROW, language="it")
    await window.go("/messages?tenant=tn_7&status=failed")
    await window.check("messages-of-many")
    await window.page.get_by_role("link", name="Scegli altro").press("Enter")
    await expect(window.page.get_by_role("searchbox")).to_be_focused()
    await window.check("choice")
    await window.page.keyboard.type("FIGLI 42")
    await window.page.keyboard.press("Enter")
    await expect(window.page.locator("tbody tr")).to_have_count(1)
    for _each in ("search", "clear", "list", "row"):
        await window.page.keyboard.press("Tab")
    await window.page.keyboard.press("Enter")
    await expect(window.page).to_have_url(f"{console.url}/messages?status=failed&tenant=tn_42")
    await expect(window.page.get_by_role("link", name="Figli 42. Scegli altro")).to_be_visible()
