"""What the heaviest pages weigh, as a browser loads them, in the language with the longer words."""

from datetime import timedelta

from services.console.rollups import Rollups
from shared.store.sealed import BINDING_ADDRESS
from tests.browser.conftest import OpenWindow
from tests.browser.console import EMAIL, Console
from tests.browser.look import HEAVIEST
from tests.services.console.api.past import NOON, Past

PATHS = (
    "/monitoring?range=30d&tenant=tn_acme",
    "/messages",
    "/history",
    "/bindings",
    "/leads",
    "/users",
    "/dead-letters",
    "/audit",
    "/api-keys/new?tenant=tn_599",
    "/choices/companies?for=/monitoring",
    "/choices/users?for=/bindings&tenant=tn_acme",
)
PEOPLE = 25
NAME = "Wołodymyr Żółkiewski"
"""Whose letters are in no Western European font."""

_COMPANIES = "insert into tenant (id, name) select 'tn_' || n, %s || ' ' || n from generate_series(0, 599) n"
_USERS = """
insert into app_user (id, tenant_id, email, name, role)
select 'us_' || n, %s, 'user' || n || '@example.org', %s || ' ' || n, 'USER' from generate_series(0, 599) n
"""
"""More than anybody looks through in a list."""


async def crowded(console: Console) -> None:
    """Fill a page of every list: people who wrote on each of 30 days, and more companies and users than a list may have."""
    past = console.past
    await past.settings(history=True, privacy="encrypted")
    await past.plant()
    async with console.store.connection() as connection:
        await connection.execute(_COMPANIES, (NAME,))
        await connection.execute(_USERS, (past.tenant, NAME))
    for n in range(PEOPLE):
        contact, thread, conversation = f"ct_{n}", f"th_{n}", f"cv_{n}"
        address = f"+3933300001{n:02}"
        await past.person(contact, address, NAME)
        await bind(past, n, f"whatsapp:{address}")
        await past.thread(thread, contact, last_seq=30, asked_seq=30, done_seq=30)
        await past.conversation(conversation, contact, user_id=f"us_{n}")
        for day in range(30):
            at = NOON - timedelta(days=day, minutes=n)
            facts = {"thread": thread, "conversation_id": conversation, "received_at": at}
            await past.message(f"msg_{n}x{day}", "Buongiorno, a che ora aprite?", day + 1, **facts)
        lead = {"agent_id": "ag_acme", "contact_id": contact, "platform": "whatsapp", "messages": 30}
        await past.insert("lead", **lead)
    await console.letters(*["turn_timed_out"] * PEOPLE)
    await Rollups(past.store).run()
    await Rollups(past.store).count_people()


async def bind(past: Past, n: int, address: str) -> None:
    """Let a person write as a user."""
    sealed = past.vault.seal(address.encode(), BINDING_ADDRESS.at(past.tenant, f"bd_{n}"))
    key = past.pepper.global_key("whatsapp", address)
    facts = {"channel": "whatsapp", "address_key": key, "pepper_version": 1, "sealed_address": sealed}
    await past.insert("binding", id=f"bd_{n}", user_id=f"us_{n}", contact_id=f"ct_{n}", **facts)


async def test_no_page_is_heavy(open_window: OpenWindow, console: Console) -> None:
    """
    Full of people whose names need the second font, each page is 200 KB at most; the third font is for nobody here.
    """
    await console.account()
    await crowded(console)
    window = await open_window(EMAIL)
    await window.page.context.add_cookies([{"name": "language", "value": "it", "url": console.url}])
    for path in PATHS:
        await window.go(path)
        await window.page.evaluate("document.fonts.ready")
        loaded = await window.loaded()
        assert sum(loaded.values()) <= HEAVIEST, f"{path}: {loaded}"
        files = {name.rpartition("/")[2].partition(".")[0] for name in loaded}
        assert files >= {"console", "icons", "inter-latin", "inter-european"}, path
        assert "inter-latin-ext" not in files, path
