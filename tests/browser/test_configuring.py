"""The pages that configure, in a real browser: in both themes, wide and narrow, with axe; and what is done with the keyboard."""

import re

from playwright.async_api import expect

from shared.channels.line_setup import Connection, ConnectionTest, Finding, Severity, Webhooks
from shared.ids import Address
from tests.browser.conftest import OpenWindow
from tests.browser.console import COMPANY, EMAIL, Console
from tests.browser.look import NARROW
from tests.services.console.api.past import SENDER

SID, TOKEN = "AC" + "7" * 32, "f" * 32
CHANNEL = "/channels/ln_acme"


async def test_pages_that_connect_a_number_look_right(open_window: OpenWindow, console: Console) -> None:
    """
    Companies, channels, the integration with its checks, and the settings; empty, full, and where a test fails.
    """
    await console.account()
    window = await open_window(EMAIL, width=NARROW)
    empty = {"channels-empty": f"/channels?tenant={COMPANY}", "integration-no-agent": f"/channels/new?tenant={COMPANY}"}
    for name, path in (empty | {"tenants": "/tenants", "tenant-new": "/tenants/new"}).items():
        await window.go(path)
        await window.check(name)
    await console.past.plant()
    console.twilio.lines[Address(SENDER)] = Webhooks("https://elsewhere.example.org/")
    console.twilio.findings = [
        Finding("alerts_recent_403", Severity.WARNING, "3 of our webhooks failed.", "Mend it."),
        Finding("sender_online", Severity.OK, "The sender is online."),
        Finding("trial_account", Severity.WARNING, "The account is a trial.", "Upgrade it."),
    ]
    pages = {
        "channels": f"/channels?tenant={COMPANY}",
        "channel": CHANNEL,
        "integration-new": f"/channels/new?tenant={COMPANY}",
        "tenant": f"/tenants/{COMPANY}",
    }
    for name, path in pages.items():
        await window.go(path)
        await window.check(name)
    await window.go(f"{CHANNEL}/integration")
    await expect(window.page.get_by_text("Bad signatures in the last hour")).to_be_visible()
    await window.page.get_by_role("button", name="Test connection").click()
    await expect(window.page.locator("#tested")).to_contain_text("Connected to “Fake account”.")
    await window.check("integration")
    console.twilio.connection = ConnectionTest(Connection.INVALID_CREDENTIALS)
    await window.page.get_by_role("button", name="Test connection").click()
    await expect(window.page.locator("#tested")).to_contain_text("Invalid credentials.")
    await window.check("integration-refused")


async def test_a_companys_admin_sees_locks(open_window: OpenWindow, console: Console) -> None:
    """
    Where the platform's admin decides.
    """
    await console.past.plant()
    await console.account("eve@example.org", "COMPANY_ADMIN")
    window = await open_window("eve@example.org", width=NARROW)
    for name, path in {"channel-locked": CHANNEL, "tenant-locked": f"/tenants/{COMPANY}"}.items():
        await window.go(path)
        await expect(window.page.get_by_text("Set by system admin").first).to_be_visible()
        await window.check(name)


async def test_the_profile_looks_right(open_window: OpenWindow, console: Console) -> None:
    """
    Without a pairing, with a code, and paired: the page turns by itself.
    """
    await console.past.plant()
    await console.account("bob@example.org", "USER")
    window = await open_window("bob@example.org", width=NARROW)
    await window.go("/profile")
    await window.check("profile")
    await window.page.get_by_role("button", name="Generate code").click()
    await expect(window.page.locator(".pair-code")).to_have_text(re.compile(r"^[A-Z2-9]{4}-[A-Z2-9]{4}$"))
    await window.check("profile-code")
    await console.past.pair()
    async with console.store.connection() as connection:
        await connection.execute("update binding set user_id = 'us_bob'")
    await expect(window.page.get_by_text("Paired with +39 333 ••• 0001")).to_be_visible()
    await window.check("profile-paired")


async def test_a_login_is_tested_with_the_keyboard_alone(open_window: OpenWindow, console: Console) -> None:
    """
    The button waits for three valid fields; the number shows as it is saved; the outcome is read out.
    """
    await console.past.plant()
    await console.account()
    window = await open_window(EMAIL)
    page, keyboard = window.page, window.page.keyboard
    await window.go(f"/channels/new?tenant={COMPANY}")
    button = page.get_by_role("button", name="Test connection")
    await expect(button).to_be_disabled()
    await page.get_by_label("Account SID").focus()
    await keyboard.type(SID)
    await keyboard.press("Tab")
    await keyboard.type(TOKEN)
    await keyboard.press("Tab")
    await keyboard.type("+39 06 1234 5678")
    await expect(page.locator("#saved-as")).to_have_text("whatsapp:+390612345678")
    await expect(button).to_be_enabled()
    await button.focus()
    await keyboard.press("Enter")
    await expect(page.get_by_role("status").filter(has_text="Connected to “Fake account”.")).to_be_visible()
    await expect(page.get_by_label("Auth Token")).to_have_value(TOKEN)


async def test_a_webhooks_address_is_copied(open_window: OpenWindow, console: Console) -> None:
    """
    Whole, with what stands behind #.
    """
    await console.past.plant()
    await console.account()
    window = await open_window(EMAIL)
    await window.go(f"{CHANNEL}/integration")
    button = window.page.get_by_role("button", name="Copy: Webhook URL")
    await button.click()
    await expect(button.get_by_role("status")).to_have_text("Copied")


async def test_pages_of_agents_and_keys_look_right(open_window: OpenWindow, console: Console) -> None:
    """
    Lists, forms, a chat, a fresh key and the question before it is revoked.
    """
    await console.account()
    window = await open_window(EMAIL, width=NARROW)
    await window.go("/api-keys")
    await window.check("api-keys-empty")
    await console.past.plant()
    await console.past.insert("mcp_server", id="mc_acme", name="Wiki", url="https://b.example/", tools=["look"])
    await console.past.insert("data_source", id="ds_acme", kind="products", origin="feed", failure="fetch_failed")
    chat = f"/agents/ag_acme/chats/ch_{'0' * 32}"
    pages = {
        "agents": f"/agents?tenant={COMPANY}",
        "agent": "/agents/ag_acme",
        "agent-new": f"/agents/new?tenant={COMPANY}",
        "chat": chat,
        "tools": f"/tools?tenant={COMPANY}",
        "signing-secrets": "/accounts/cr_acme/signing-secrets",
        "api-key-new": "/api-keys/new",
    }
    for name, path in pages.items():
        await window.go(path)
        await window.check(name)
    await window.page.get_by_label("Name").fill("Reports")
    await window.page.get_by_label("messages:read").check()
    await window.page.get_by_role("button", name="Make it").click()
    await expect(window.page.get_by_text("It is shown only now.")).to_be_visible()
    await window.check("api-key-made")
    await window.go("/api-keys")
    await window.check("api-keys")
    await window.page.get_by_role("link", name="Revoke", exact=True).click()
    await expect(window.page.get_by_role("dialog")).to_be_visible()
    await window.check("api-key-revoke")


async def test_pages_of_knowledge_and_pipelines_look_right(open_window: OpenWindow, console: Console) -> None:
    """
    Empty, with a file that waits, with what a search finds, and a draft with its faults.
    """
    await console.account()
    await console.past.plant()
    window = await open_window(EMAIL, width=NARROW)
    pages = {
        "knowledge": f"/knowledge?tenant={COMPANY}",
        "documents-empty": "/knowledge/ag_acme",
        "pipelines-empty": f"/pipelines?tenant={COMPANY}",
        "pipeline-new": f"/pipelines/new?tenant={COMPANY}",
    }
    for name, path in pages.items():
        await window.go(path)
        await window.check(name)
    await window.page.get_by_label("Name").fill("Mine")
    await window.page.get_by_role("button", name="Make it").click()
    await window.page.get_by_role("button", name="Activate the saved draft").click()
    await expect(window.page.get_by_text("Version 1 runs.")).to_be_visible()
    await window.check("pipeline")
    await window.page.get_by_label("Draft").fill("name: x\nsteps:\n  - nonsense: 1\n")
    await expect(window.page.locator(".numbered pre")).to_have_text("1\n2\n3\n4")
    await window.page.get_by_role("button", name="Save the draft").click()
    await expect(window.page.get_by_text("Line ").first).to_be_visible()
    window.errors = [error for error in window.errors if "422" not in error]
    await window.check("pipeline-faults")
    await window.go("/knowledge/ag_acme")
    file = {"name": "Prices.txt", "mimeType": "text/plain", "buffer": b"A double room costs 120 euros."}
    await window.page.get_by_label("File").set_input_files(file)  # type: ignore[arg-type]
    await window.page.get_by_role("button", name="Upload").click()
    await expect(window.page.get_by_role("rowheader", name="Prices.txt")).to_be_visible()
    await window.check("documents")
