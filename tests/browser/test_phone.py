"""The phone page, driven in a browser."""

import asyncio
import re

import pytest
from playwright.async_api import FilePayload, Route, expect

from dev.embedded import free_port
from dev.simulator.testing import Running, simulator
from tests.browser.conftest import PHONE, OpenPhone, PhonePage
from tests.eventually import DEADLINE, eventually
from tests.simulator.gateway import PATH, Gateway
from tests.simulator.twilio import Twilio

ADDRESS = f"whatsapp:{PHONE}"
LONG = "Donaudampfschifffahrtsgesellschaft" * 12


async def replies(twilio: Twilio, body: str) -> str:
    """Send what the gateway would send."""
    return await twilio.created(body, To=ADDRESS)


async def test_an_empty_phone_says_what_to_do(phone: PhonePage) -> None:
    """
    Say hi.
    """
    await expect(phone.log).to_have_text("Say hi, or /help")
    await expect(phone.banner).to_be_hidden()
    await expect(phone.dots).to_be_hidden()


@pytest.mark.parametrize("way", ["enter", "button"])
async def test_a_message_is_written_and_answered(way: str, phone: PhonePage, twilio: Twilio, gateway: Gateway) -> None:
    """
    By the Enter key as by the button: it is shown, it reaches the gateway, and the answer comes by itself.
    """
    if way == "enter":
        await phone.write("Hello there")
    else:
        await phone.text.fill("Hello there")
        await phone.send.click()
    await expect(phone.written).to_contain_text(["Hello there"])
    await expect(phone.text).to_have_value("")
    [received] = await gateway.until_received(1)
    assert (received.form["From"], received.form["Body"]) == (ADDRESS, "Hello there")
    await replies(twilio, "General Kenobi")
    await expect(phone.received).to_contain_text(["General Kenobi"])
    await expect(phone.banner).to_be_hidden()


async def test_shift_and_enter_begin_a_line(phone: PhonePage, gateway: Gateway) -> None:
    """
    One message of two lines.
    """
    await phone.text.press_sequentially("one")
    await phone.text.press("Shift+Enter")
    await phone.text.press_sequentially("two")
    await phone.text.press("Enter")
    [received] = await gateway.until_received(1)
    assert received.form["Body"] == "one\ntwo"


async def test_nothing_is_not_sent(phone: PhonePage, gateway: Gateway) -> None:
    """
    Neither an empty box nor blanks.
    """
    await phone.text.press("Enter")
    await phone.write("   ")
    await phone.send.click()
    await phone.write("something")
    await expect(phone.written).to_contain_text(["something"])
    assert [it.form["Body"] for it in gateway.received] == ["something"]


async def test_ticks_tell_how_far_a_message_got(phone: PhonePage, twilio: Twilio, gateway: Gateway) -> None:
    """
    Two when the gateway took it, `read` when it shows the dots.
    """
    await phone.write("Hello")
    await expect(phone.written.locator(".meta")).to_have_text(re.compile(r"^\d\d:\d\d ✓✓$"))
    [received] = gateway.received
    await twilio.type(received.form["MessageSid"])
    await expect(phone.written.locator(".meta")).to_have_text(re.compile(r"^\d\d:\d\d ✓✓ read$"))


async def test_the_dots_show_until_the_answer_comes(phone: PhonePage, twilio: Twilio, gateway: Gateway) -> None:
    """
    They appear and go by themselves.
    """
    await phone.write("Hello")
    [received] = await gateway.until_received(1)
    await twilio.type(received.form["MessageSid"])
    await expect(phone.dots).to_be_visible()
    await replies(twilio, "Here I am")
    await expect(phone.received).to_contain_text(["Here I am"])
    await expect(phone.dots).to_be_hidden()


async def test_a_picture_is_sent_with_a_button(phone: PhonePage, gateway: Gateway) -> None:
    """
    What is in the box goes with it as its caption.
    """
    await phone.text.fill("my cat")
    await phone.picture.click()
    await expect(phone.written.locator(".picture")).to_have_text("image/png")
    await expect(phone.written).to_contain_text(["my cat"])
    [received] = await gateway.until_received(1)
    assert (received.form["NumMedia"], received.form["Body"]) == ("1", "my cat")


async def test_a_file_is_sent_with_a_button(phone: PhonePage, gateway: Gateway, twilio: Twilio) -> None:
    """
    Twilio's side has it as it was, and tells what it is.
    """
    content = b"%PDF-1.4 soup"
    file: FilePayload = {"name": "menu.pdf", "mimeType": "application/pdf", "buffer": content}
    await phone.page.set_input_files(".phone input[type=file]", file)
    await expect(phone.written.locator(".picture")).to_have_text("application/pdf")
    [received] = await gateway.until_received(1)
    assert received.form["MediaContentType0"] == "application/pdf"
    path = received.form["MediaUrl0"].removeprefix("https://api.twilio.com")
    place = (await twilio.get(path)).headers["location"]
    assert (await twilio.sim.api.get(place)).content == content


async def test_whatsapps_markup_is_shown(phone: PhonePage, twilio: Twilio) -> None:
    """
    Bold, italic, struck through, code in a line and in a block, and addresses as links.
    """
    await replies(twilio, "*bold* _italic_ ~gone~ `x = *1*` https://example.org/a?b=1\n```\nfor _ in x:\n  pass\n```")
    shown = phone.received.first
    await expect(shown.locator("strong")).to_have_text("bold")
    await expect(shown.locator("em")).to_have_text("italic")
    await expect(shown.locator("s")).to_have_text("gone")
    await expect(shown.locator("code:not(.block)")).to_have_text("x = *1*")
    await expect(shown.locator("code.block")).to_have_text("for _ in x:\n  pass")
    await expect(shown.get_by_role("link")).to_have_attribute("href", "https://example.org/a?b=1")
    await expect(shown.get_by_role("link")).to_have_attribute("rel", "noreferrer noopener")


async def test_markup_can_be_nested(phone: PhonePage, twilio: Twilio) -> None:
    """
    Bold within italic is both.
    """
    await replies(twilio, "_very *important*_")
    await expect(phone.received.locator("em strong")).to_have_text("important")


async def test_signs_that_are_no_markup_stay(phone: PhonePage, twilio: Twilio) -> None:
    """
    Within words, beside blanks, alone.
    """
    text = "2*3*4 snake_case_name * no * ~ 5 ` * javascript:alert(1)"
    await replies(twilio, text)
    await expect(phone.received.locator("> span").first).to_have_text(text)
    await expect(phone.received.locator("strong, em, s, code, a")).to_have_count(0)


async def test_text_that_looks_like_html_is_text(phone: PhonePage, twilio: Twilio) -> None:
    """
    In both directions nothing of it becomes an element, and no script runs.
    """
    text = "<img src=x onerror=\"document.title='owned'\"> <b>*x*</b> <script>document.title='owned'</script> &amp;"
    await phone.write(text)
    await replies(twilio, text)
    for bubble in (phone.written, phone.received):
        await expect(bubble.locator("> span").first).to_have_text(text.replace("*x*", "x"))
        await expect(bubble.locator("img, b, script")).to_have_count(0)
    assert await phone.page.title() == "Trunkline phone simulator"


async def test_parts_are_shown_in_order(phone: PhonePage, twilio: Twilio, gateway: Gateway) -> None:
    """
    The newest is at the end and in view.
    """
    parts = [f"part {number} of 4\n" + "line\n" * 12 for number in range(1, 5)]
    for number, part in enumerate(parts, 1):
        await replies(twilio, part)
        await expect(phone.received).to_have_count(number)
    await expect(phone.received).to_contain_text([f"part {number} of 4" for number in range(1, 5)])
    await expect(phone.received.last.locator(".meta")).to_be_in_viewport()
    await expect(phone.received.first.locator(".meta")).not_to_be_in_viewport()


async def test_a_gateway_that_is_down_is_named(open_phone: OpenPhone) -> None:
    """
    With the address that was tried and the command that helps; the message is marked.
    """
    url = f"http://127.0.0.1:{free_port()}"
    async with simulator(url + PATH, url) as alone:
        phone = await open_phone(url=alone.url)
        await phone.write("Anybody?")
        await expect(phone.banner).to_have_text(f"The gateway does not answer at {url}. Start it: trunkline up")
        await expect(phone.written.locator(".meta")).to_contain_text("not delivered")
        await phone.page.goto("about:blank")


async def test_a_refused_signature_is_explained(phone: PhonePage, gateway: Gateway) -> None:
    """
    With the address that was signed; the banner goes with the next message that is taken.
    """
    gateway.script.extend([403, 403])  # by the fallback, too
    await phone.write("Let me in")
    await expect(phone.banner).to_contain_text("refused the signature (403)")
    await expect(phone.banner).to_contain_text(gateway.url + PATH)
    await phone.write("Please")
    await expect(phone.written.nth(1).locator(".meta")).to_contain_text("✓✓")
    await expect(phone.banner).to_be_hidden()


async def test_any_other_error_of_the_gateway_is_named(phone: PhonePage, gateway: Gateway) -> None:
    """
    With its status.
    """
    gateway.script.extend([503, 503])  # by the fallback, too
    await phone.write("Hello")
    await expect(phone.banner).to_have_text("The gateway answered 503.")


async def test_what_the_simulator_does_not_take_is_not_lost(phone: PhonePage) -> None:
    """
    When it does not answer, the text is still in the box, and the banner says why.
    """

    async def abort(route: Route) -> None:
        await route.abort()

    await phone.page.route("**/sim/messages", abort)
    await phone.write("precious")
    await expect(phone.banner).to_have_text("The simulator does not answer. Start it: trunkline up")
    await expect(phone.text).to_have_value("precious")
    assert all("ERR_FAILED" in error for error in phone.errors)
    phone.errors.clear()


async def test_a_number_that_is_none_is_explained(open_phone: OpenPhone) -> None:
    """
    What is needed instead; the text stays.
    """
    phone = await open_phone("/?phone=Ann")
    await phone.write("Hello")
    await expect(phone.banner).to_contain_text("a number such as +15550001")
    await expect(phone.text).to_have_value("Hello")
    assert all("400" in error for error in phone.errors)
    phone.errors.clear()


async def test_the_phone_stands_in_the_address(open_phone: OpenPhone, twilio: Twilio) -> None:
    """
    To open an address is to hold that phone; to take another one changes the address.
    """
    await twilio.write("I am Ann", **{"from": "+15550000011"})
    await twilio.write("I am Ben", **{"from": "US.13491208655302741918"})
    phone = await open_phone("/?phone=%2B15550000011")
    await expect(phone.phone).to_have_value("+15550000011")
    await expect(phone.written).to_contain_text(["I am Ann"])
    await phone.phone.select_option(label="Fay, no number US.13491208655302741918")
    await expect(phone.written).to_contain_text(["I am Ben"])
    assert phone.page.url.endswith("/?phone=US.13491208655302741918")
    await phone.page.reload()
    await expect(phone.phone).to_have_value("US.13491208655302741918")
    await expect(phone.written).to_contain_text(["I am Ben"])


async def test_an_answer_for_a_phone_that_was_put_down_is_not_shown(phone: PhonePage, sim: Running) -> None:
    """
    Though it comes after the other phone was taken up.
    """
    asked, taken_up, followed = asyncio.Event(), asyncio.Event(), asyncio.Event()
    await phone.write("from the first")
    await expect(phone.written).to_have_count(1)
    first = (await sim.api.get("/sim/view", params={"phone": PHONE})).json()

    async def late(route: Route) -> None:
        if PHONE[1:] not in route.request.url:
            followed.set()
            await route.continue_()
            return
        asked.set()
        await taken_up.wait()
        await route.fulfill(json=first)

    await phone.page.route("**/sim/view?*wait=20*", late)
    await phone.page.reload()
    await asyncio.wait_for(asked.wait(), DEADLINE)
    await phone.phone.select_option(label="Ben +15550002")
    await expect(phone.log).to_have_text("Say hi, or /help")
    taken_up.set()
    await asyncio.wait_for(followed.wait(), DEADLINE)
    await expect(phone.log).to_have_text("Say hi, or /help")
    await phone.page.unroute_all(behavior="ignoreErrors")


async def test_another_phone_is_followed_too(phone: PhonePage, twilio: Twilio) -> None:
    """
    What comes for the one in hand is shown, and what comes for the other is not.
    """
    await phone.phone.select_option(label="Ben +15550002")
    await replies(twilio, "to the first")
    await twilio.created("to the second", To="whatsapp:+15550002")
    await expect(phone.received).to_contain_text(["to the second"])
    await expect(phone.log.locator(".bubble")).to_have_count(1)


async def test_two_windows_are_two_phones(open_phone: OpenPhone, gateway: Gateway) -> None:
    """
    Side by side.
    """
    ann, ben = await open_phone("/?phone=%2B15550000013"), await open_phone("/?phone=%2B15550000014")
    await ann.write("Ann here")
    await ben.write("Ben here")
    await expect(ann.written).to_contain_text(["Ann here"])
    await expect(ben.written).to_contain_text(["Ben here"])
    assert {it.form["From"][-2:] for it in await gateway.until_received(2)} == {"13", "14"}


async def test_an_emptied_simulator_empties_the_page(phone: PhonePage, sim: Running) -> None:
    """
    At once.
    """
    await phone.write("soon forgotten")
    await expect(phone.written).to_have_count(1)
    await sim.api.post("/sim/reset")
    await expect(phone.log).to_have_text("Say hi, or /help")


async def test_the_keyboard_is_enough(phone: PhonePage, gateway: Gateway) -> None:
    """
    The box has the focus at first; every control is reached by Tab, in the order in which it is seen.
    """
    keyboard = phone.page.keyboard
    await expect(phone.text).to_be_focused()
    await keyboard.type("by Enter")
    await keyboard.press("Enter")
    await keyboard.type("by the button")
    await keyboard.press("Tab")
    await expect(phone.send).to_be_focused()
    await keyboard.press("Space")
    await keyboard.press("Shift+Tab")
    await keyboard.press("Shift+Tab")
    await expect(phone.file).to_be_focused()
    await keyboard.press("Shift+Tab")
    await expect(phone.picture).to_be_focused()
    await keyboard.press("Enter")
    await keyboard.press("Shift+Tab")
    await expect(phone.more).to_be_focused()
    await keyboard.press("Enter")
    await keyboard.press("Tab")
    await expect(phone.page.get_by_role("button", name="Emoji")).to_be_focused()
    await keyboard.press("Escape")
    await phone.log.focus()
    await keyboard.press("Tab")
    await expect(phone.more).to_be_focused()
    await keyboard.press("Shift+Tab")
    await expect(phone.log).to_be_focused()
    await keyboard.press("Shift+Tab")
    await expect(phone.page.get_by_role("button", name="One beside")).to_be_focused()
    await keyboard.press("Shift+Tab")
    await expect(phone.line).to_be_focused()
    await keyboard.press("Shift+Tab")
    await expect(phone.phone).to_be_focused()
    received = await gateway.until_received(3)
    assert sorted(it.form["Body"] for it in received) == ["", "by Enter", "by the button"]


async def test_the_header_can_be_skipped(phone: PhonePage) -> None:
    """
    The first thing that Tab reaches leads to the message box.
    """
    await phone.page.evaluate("document.activeElement.blur()")
    link = phone.page.get_by_role("link", name="Skip to the message box")
    await link.focus()
    await expect(link).to_be_in_viewport()
    await phone.page.keyboard.press("Enter")
    await expect(phone.text).to_be_focused()


@pytest.mark.parametrize("width", [1440, 390])
async def test_nothing_is_wider_than_the_window(width: int, open_phone: OpenPhone, twilio: Twilio) -> None:
    """
    Long words break and long code scrolls within its bubble; everything can still be used.
    """
    phone = await open_phone(width=width)
    await phone.write(LONG)
    await replies(twilio, f"```{'x = 1; ' * 80}``` {LONG} https://example.org/{LONG}")
    await expect(phone.received).to_have_count(1)
    assert await phone.overflow() == 0
    for control in (phone.text, phone.send, phone.picture, phone.file, phone.phone, phone.received.locator(".meta")):
        await expect(control).to_be_in_viewport(ratio=1)


async def test_every_control_has_a_name(phone: PhonePage) -> None:
    """
    What is read out: the page's language and title, the log, the boxes, the buttons, and the alarm.
    """
    for named in (phone.text, phone.phone, phone.send, phone.picture, phone.file, phone.log):
        await expect(named).to_have_count(1)
    await expect(phone.log).to_have_attribute("aria-live", "polite")
    await expect(phone.page.locator("html")).to_have_attribute("lang", "en")
    await expect(phone.page.get_by_role("heading", level=1)).to_have_text("Phone simulator")
    await expect(phone.page.locator("main")).to_have_count(1)
    assert await phone.page.locator("#banner").get_attribute("role") == "alert"


async def test_only_this_page_is_loaded(open_phone: OpenPhone, sim: Running) -> None:
    """
    No other host, no inline script: the policy says so, and nothing on the page minds.
    """
    phone = await open_phone()
    asked: list[str] = []
    phone.page.on("request", lambda request: asked.append(request.url))
    answer = await phone.page.reload()
    assert answer is not None
    policy = await answer.header_value("content-security-policy")
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy

    async def loaded() -> bool:
        return any("/sim/view" in url for url in asked)

    await eventually(loaded)
    assert [url for url in asked if not url.startswith(sim.url)] == []
