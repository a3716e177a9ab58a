"""The simulator's page around its phones: conditions, presets, the wire log, and how all of it looks."""

from dataclasses import replace

from playwright.async_api import Browser, FilePayload, Locator, expect

from dev.simulator.testing import Running
from tests.browser.conftest import PHONE, OpenPhone, PhonePage
from tests.browser.look import window
from tests.simulator.gateway import PATH, Gateway
from tests.simulator.twilio import Twilio

ANNA = "whatsapp:+15550001"


def active(phone: PhonePage) -> Locator:
    """What the page says is wrong now."""
    return phone.page.get_by_role("region", name="What is wrong now").get_by_role("listitem")


def wire(phone: PhonePage) -> Locator:
    """The requests of the wire log."""
    return phone.page.get_by_role("list", name="Requests").locator("li")


async def test_each_state_is_looked_at(browser: Browser, sim: Running, twilio: Twilio, gateway: Gateway) -> None:
    """
    Empty, in use with everything unfolded, and with a gateway that refuses; nothing is found wrong with any of them.
    """
    seen = await window(browser, sim.url)
    page = seen.page
    await seen.go("/")
    await expect(page.get_by_role("log")).to_have_count(2)
    await expect(page.locator("#active")).to_have_text("All is well at Twilio.")
    await seen.check("simulator-empty")
    sid = await twilio.created("You said: *Ciao*\nNext slot: _Tuesday 10:30_ `x = 1` ~no~", To=ANNA)
    await twilio.created("```\nfor x in y:\n  pass\n```", To="whatsapp:+15550002")
    await twilio.write("As you said", reply_to=sid, **{"from": ANNA})
    for kind in ("location", "ad", "rtl", "image"):
        await twilio.write("", kind=kind, **{"from": "+15550002"})
    await sim.api.post("/sim/presets", json={"name": "flaky"})
    await twilio.type(gateway.messages[0].form["MessageSid"])
    await page.locator("#conditions").evaluate("it => { it.open = true; }")
    await page.locator("#wire summary").first.click()
    await expect(page.locator("#wire .details")).to_have_count(1)
    await expect(page.locator("#active li")).to_have_count(6)
    await seen.check("simulator-in-use")
    await page.locator(".more summary").first.click()
    await sim.api.post("/sim/presets", json={"name": "happy"})
    gateway.script.extend([403, 403])
    await twilio.write("Let me in", **{"from": ANNA})
    await expect(page.get_by_role("alert")).to_contain_text("its token or its public URL differs")
    await seen.check("simulator-refused")
    await seen.close()


async def test_a_switch_is_thrown_and_seen(phone: PhonePage, gateway: Gateway) -> None:
    """
    It strikes, it stands above everything, and one button makes all well again.
    """
    await phone.page.get_by_label("Twice, with one token").check()
    await expect(active(phone)).to_have_text(["Twice, with one token, each"])
    await phone.write("Hello")
    first, second = await gateway.until_received(2)
    assert first == second
    await phone.page.get_by_role("button", name="Back to Happy").click()
    await expect(active(phone)).to_have_text(["All is well at Twilio."])
    await expect(phone.page.get_by_label("Twice, with one token")).not_to_be_checked()


async def test_a_switch_has_its_numbers_and_says_how_often(phone: PhonePage, twilio: Twilio) -> None:
    """
    The code to refuse with, the next time only; then it is off by itself.
    """
    await phone.page.get_by_label("Strikes").select_option("the next time")
    await phone.page.get_by_label("400 with: code").select_option("21610")
    await phone.page.get_by_label("400 with", exact=True).check()
    await expect(active(phone)).to_have_text(["400 with 21610, once more"])
    assert (await twilio.create()).json()["code"] == 21610
    await expect(active(phone)).to_have_text(["All is well at Twilio."])
    await expect(phone.page.get_by_label("400 with", exact=True)).not_to_be_checked()


async def test_what_is_ordered_elsewhere_is_seen_here(phone: PhonePage, sim: Running) -> None:
    """
    By the terminal, or a test.
    """
    await sim.api.post("/sim/presets", json={"name": "optedout"})
    await expect(active(phone)).to_have_text(["400 with 21610, each"])
    await expect(phone.page.get_by_label("400 with: code")).to_have_value("21610")


async def test_presets_the_clock_and_conditions_are_buttons(phone: PhonePage, sim: Running) -> None:
    """
    Each replaces or adds to what is wrong.
    """
    await phone.page.get_by_role("button", name="Window closed").click()
    await expect(active(phone)).to_have_text(["Undelivered 63016, each"])
    await phone.page.get_by_role("button", name="24 h later").click()
    await expect(active(phone)).to_have_text(["Undelivered 63016, each", "Twilio's clock +24 h"])
    await phone.page.get_by_label("Sandbox: join first").check()
    await expect(active(phone)).to_have_count(3)
    await phone.page.get_by_label("Account and line").select_option("quality_low")
    await phone.page.get_by_role("button", name="Seed").click()
    await expect(active(phone).filter(has_text="Condition quality_low")).to_have_count(1)
    await phone.page.get_by_role("button", name="Back to Happy").click()
    await expect(active(phone)).to_have_text(["All is well at Twilio."])
    assert (sim.world.clock_skew, sim.world.sandbox.is_on) == (0, False)


async def test_the_agent_cannot_be_slowed_where_there_is_no_model(phone: PhonePage) -> None:
    """
    The banner says so until something else works.
    """
    await phone.page.get_by_role("button", name="Slow agent").click()
    await expect(phone.banner).to_have_text("There is no scripted model here that could be slow")
    await phone.page.get_by_role("button", name="Happy", exact=True).click()
    await expect(phone.banner).to_be_hidden()
    assert all("400" in error for error in phone.errors)
    phone.errors.clear()


async def test_the_wire_log_shows_every_request(phone: PhonePage, twilio: Twilio, gateway: Gateway) -> None:
    """
    Both ways, with status and time; headers and form when it is opened, which stays so while more comes.
    """
    await expect(phone.page.get_by_text("No request yet.")).to_be_visible()
    await phone.write("Hello")
    await expect(wire(phone)).to_have_count(1)
    await wire(phone).first.locator("summary").click()
    await expect(wire(phone).first.get_by_role("rowheader", name="X-Twilio-Signature")).to_be_visible()
    await expect(wire(phone).first.get_by_role("row", name="Body Hello")).to_be_visible()
    sid = await twilio.created("Hi")
    await gateway.until_reported(sid, "sent", "delivered", "read")
    kinds = ["inbound", "message.create", "status sent", "status delivered", "status read"]
    await expect(wire(phone).locator(".kind")).to_have_text(kinds)
    await expect(wire(phone).locator("summary .ok")).to_have_text(["200", "201", "204", "204", "204"])
    await expect(wire(phone).nth(1).locator(".path")).to_have_text("POST …/Messages.json")
    await expect(wire(phone).first.get_by_role("row", name="Body Hello")).to_be_visible()


async def test_an_integration_that_answers_by_itself_is_seen(phone: PhonePage, gateway: Gateway) -> None:
    """
    On the phone as the answer's words, and in the wire log at the webhook that was answered.
    """
    gateway.answer = b"<Response><Message>*Hello* back</Message></Response>"
    await phone.write("Hello")
    await expect(phone.received.locator("strong")).to_have_text("Hello")
    await expect(phone.received.locator(".about")).to_have_text("Said by the webhook's answer")
    await expect(wire(phone).first.locator(".chip.warn")).to_have_text("answers by itself")


async def test_the_theme_is_chosen_and_kept(browser: Browser, sim: Running) -> None:
    """
    It applies at once; the server writes it into the page from then on, so that no page flashes in another.
    """
    seen = await window(browser, sim.url)
    root, choice = seen.page.locator("html"), seen.page.get_by_label("Theme")
    await seen.go("/")
    for theme, scheme in (("dark", "dark"), ("light", "light"), ("system", "light dark")):
        await choice.select_option(theme)
        await expect(root).to_have_css("color-scheme", scheme)
        assert f'data-theme="{theme}"' in await (await seen.page.context.request.get(sim.url)).text()
        await seen.page.reload()
        await expect(choice).to_have_value(theme)
        await expect(root).to_have_css("color-scheme", scheme)
    await seen.close()


async def test_a_theme_of_the_console_is_the_simulators(browser: Browser, sim: Running) -> None:
    """
    Both are at one host, whose cookie it is; what is no theme is the system's.
    """
    seen = await window(browser, sim.url, theme="dark")
    await seen.go("/")
    await expect(seen.page.locator("html")).to_have_css("color-scheme", "dark")
    await seen.check("simulator-dark")
    await seen.page.context.add_cookies([{"name": "theme", "value": '"><script>', "url": sim.url}])
    await seen.go("/")
    await expect(seen.page.locator("html")).to_have_attribute("data-theme", "system")
    await seen.close()


async def test_a_request_is_copied_as_curl(phone: PhonePage, twilio: Twilio, gateway: Gateway) -> None:
    """
    A webhook whole, so that it can be sent again; of a call everything but the login, which comes from the environment.
    """
    await phone.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await phone.write("It's me")
    await expect(wire(phone)).to_have_count(1)
    await twilio.created("Hi", StatusCallback="")
    await expect(wire(phone)).to_have_count(2)
    copied = []
    for number in range(2):
        await wire(phone).nth(number).locator("summary").click()
        await wire(phone).nth(number).get_by_role("button", name="Copy as curl").click()
        await expect(wire(phone).nth(number).get_by_role("button", name="Copied")).to_be_visible()
        copied.append(await phone.page.evaluate("navigator.clipboard.readText()"))
    webhook, create = copied
    assert webhook.startswith(f"curl -X POST '{gateway.url}{PATH}' ")
    assert "--data-urlencode 'Body=It'\\''s me'" in webhook
    assert f"-H 'X-Twilio-Signature: {gateway.received[0].signature}'" in webhook
    assert '-u "$TWILIO_ACCOUNT_SID:$TWILIO_AUTH_TOKEN"' in create
    assert twilio.auth[1] not in create
    assert "uthorization" not in create


async def test_a_request_leads_to_the_message_in_the_console(
    open_phone: OpenPhone, sim: Running, twilio: Twilio
) -> None:
    """
    By Twilio's id; without a console there is no link.
    """
    settings = sim.world.settings
    sim.world.settings = replace(settings, console_url="http://127.0.0.1:1")
    try:
        phone = await open_phone()
        sid = await twilio.created("Hi", StatusCallback="")
        await wire(phone).first.locator("summary").click()
        link = wire(phone).first.get_by_role("link", name="In the console")
        await expect(link).to_have_attribute("href", f"http://127.0.0.1:1/messages/by-sid/{sid}")
    finally:
        sim.world.settings = settings


async def test_two_phones_are_side_by_side(open_phone: OpenPhone, gateway: Gateway) -> None:
    """
    At first as on request; below 48 rem one is above the other. The address says which ones are held.
    """
    phone = await open_phone("/")
    both = phone.page.locator(".phone")
    await expect(both).to_have_count(2)
    left, right = [await both.nth(number).bounding_box() for number in range(2)]
    assert left
    assert right
    assert (left["y"], left["x"] + left["width"] <= right["x"]) == (right["y"], True)
    await phone.page.set_viewport_size({"width": 760, "height": 800})
    upper, lower = [await both.nth(number).bounding_box() for number in range(2)]
    assert upper
    assert lower
    assert upper["y"] + upper["height"] <= lower["y"]
    await both.nth(1).get_by_role("textbox").fill("from Ben")
    await both.nth(1).get_by_role("textbox").press("Enter")
    await expect(both.nth(1).locator(".bubble.out")).to_contain_text(["from Ben"])
    await expect(both.nth(0).locator(".bubble")).to_have_count(0)
    assert gateway.received[0].form["ProfileName"] == "Ben"
    await both.nth(0).get_by_role("button", name="Close").click()
    await expect(phone.phone).to_have_value("+15550002")
    assert phone.page.url.endswith("/?phone=%2B15550002")
    await phone.page.get_by_role("button", name="One beside").click()
    await expect(both).to_have_count(2)
    assert phone.page.url.endswith("/?phone=%2B15550002&phone=%2B15550001")


async def test_kinds_are_in_a_menu(phone: PhonePage, gateway: Gateway) -> None:
    """
    What is in the box is the message's text, else it has one of its own; a burst is so many within so many seconds.
    """
    await phone.more.click()
    await phone.page.get_by_role("button", name="Location").click()
    await expect(phone.written.locator(".about")).to_have_text("Location: 45.4642, 9.1900, Duomo, Milano")
    await phone.text.fill("Table for two")
    await phone.more.click()
    await phone.page.get_by_role("button", name="Quick-reply button").click()
    await expect(phone.written).to_have_count(2)
    await phone.more.click()
    await phone.page.get_by_label("Burst of").fill("3")
    await phone.page.get_by_label("within").fill("0.1")
    await phone.page.get_by_role("button", name="Go", exact=True).click()
    received = await gateway.until_received(5)
    assert received[0].form["Latitude"] == "45.4642"
    assert received[1].form["ButtonText"] == "Table for two"


async def test_a_message_is_quoted(phone: PhonePage, twilio: Twilio, gateway: Gateway) -> None:
    """
    Reply holds it above the box until it is sent or put away; the bubble shows it.
    """
    sid = await twilio.created("Tuesday or Friday?", To=f"whatsapp:{PHONE}", StatusCallback="")
    await phone.received.get_by_role("button", name="Reply").click()
    await expect(phone.text).to_be_focused()
    await expect(phone.page.locator(".quoting")).to_contain_text("Tuesday or Friday?")
    await phone.page.get_by_role("button", name="Do not quote").click()
    await expect(phone.page.locator(".quoting")).to_be_hidden()
    await phone.received.get_by_role("button", name="Reply").click()
    await phone.write("Friday")
    await expect(phone.written.locator("blockquote")).to_have_text("Tuesday or Friday?")
    assert gateway.received[0].form["OriginalRepliedMessageSid"] == sid


async def test_people_and_lines_are_added(phone: PhonePage, gateway: Gateway) -> None:
    """
    And can be chosen at once; who shows no number has a user id.
    """
    await phone.page.get_by_label("Name", exact=True).fill("Giulia")
    await phone.page.get_by_label("Number", exact=True).fill("IT.77")
    await phone.page.get_by_role("button", name="Add").first.click()
    await phone.phone.select_option(label="Giulia IT.77")
    await phone.page.get_by_label("Business number").fill("+14155550100")
    await phone.page.get_by_role("button", name="Add").last.click()
    await phone.line.select_option("+14155550100")
    await phone.write("Hello")
    [received] = await gateway.until_received(1)
    assert (received.form["ProfileName"], received.form["To"]) == ("Giulia", "whatsapp:+14155550100")
    assert "WaId" not in received.form


async def test_a_transcript_is_played_again(phone: PhonePage, gateway: Gateway) -> None:
    """
    As it was saved, after everything was forgotten.
    """
    await phone.write("once upon a time")
    await expect(phone.written).to_have_count(1)
    async with phone.page.expect_download() as saving:
        await phone.page.get_by_role("link", name="Save").click()
    saved = await (await saving.value).path()
    content = saved.read_bytes()
    await phone.page.get_by_role("button", name="Forget everything").click()
    await expect(phone.written).to_have_count(0)
    file: FilePayload = {"name": "transcript.jsonl", "mimeType": "application/jsonl", "buffer": content}
    await phone.page.set_input_files("#transcript", file)
    await expect(phone.written).to_contain_text(["once upon a time"])
    assert [it.form["Body"] for it in await gateway.until_received(2)] == ["once upon a time"] * 2
