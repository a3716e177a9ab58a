"""An integration that answers people by its webhook's answer, as Twilio allows and the gateway never does."""

from typing import Any

import pytest

from dev.simulator.accounts import Account
from dev.simulator.testing import SENDER
from dev.simulator.twiml import BadTwiml, Said, said
from tests.eventually import eventually
from tests.simulator.gateway import PERSON, Gateway
from tests.simulator.twilio import Twilio

URL = "https://gateway.example.org/hooks/twilio"


async def came(twilio: Twilio, count: int) -> list[dict[str, Any]]:
    """Wait for so many messages on the phone."""

    async def look() -> list[dict[str, Any]] | None:
        shown = (await twilio.sim.api.get(f"/sim/phones/{PERSON}/messages")).json()
        found = [it for it in shown if it["direction"] == "in"]
        return found if len(found) >= count else None

    return await eventually(look)


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("text/xml", "<Response/>", []),
        ("text/xml", "", []),
        ("text/plain", "\n", []),
        ("text/xml", "<Response><Message>Hi</Message></Response>", ["Hi"]),
        (
            "application/xml",
            "<Response><Message><Body>Hi</Body><Media>https://x/y</Media></Message></Response>",
            ["Hi"],
        ),
        ("text/html", "<Response><Message>A</Message><Message>B &amp; C</Message></Response>", ["A", "B & C"]),
        ("text/xml", "<Response><Message><![CDATA[<3]]></Message></Response>", ["<3"]),
        ("text/xml", "<Response><Message></Message><Hangup/></Response>", []),
        ("text/plain", "Hi", ["Hi"]),
    ],
)
def test_an_answer_says_the_text_of_its_messages(kind: str, text: str, says: list[str]) -> None:
    """
    Each `<Message>`, or a plain text whole.
    """
    assert [it.body for it in said(kind, text, URL)] == says


def test_a_message_may_go_to_somebody_else_and_be_reported() -> None:
    """
    The callback's address may be relative to the webhook's.
    """
    [message] = said("text/xml", '<Response><Message to="+15550002" action="/told">Hi</Message></Response>', URL)
    assert message == Said("Hi", "+15550002", "https://gateway.example.org/told")


@pytest.mark.parametrize(
    "text",
    [
        "<Response><Message>Hi</Response>",
        "<Reply/>",
        "OK",
        '<!DOCTYPE x [<!ENTITY y "z">]><Response><Message>&y;</Message></Response>',
        "<!doctype html><html></html>",
    ],
)
def test_what_is_no_twiml_says_nothing(text: str) -> None:
    """
    Broken, of another root, no XML at all, or with declarations.
    """
    with pytest.raises(BadTwiml):
        said("text/xml", text, URL)


@pytest.mark.parametrize(
    ("kind", "answer"),
    [("text/xml", b"<Response><Message>Hello back</Message></Response>"), ("text/plain", b"Hello back")],
)
async def test_twilio_sends_what_an_answer_says(kind: str, answer: bytes, twilio: Twilio, gateway: Gateway) -> None:
    """
    From the line to whoever wrote; phone, list and wire log tell whose words these are.
    """
    gateway.answer, gateway.headers["content-type"] = answer, kind
    await twilio.write("Hi")
    [shown] = await came(twilio, 1)
    assert (shown["body"], shown["about"]) == ("Hello back", "Said by the webhook's answer")
    [record] = await twilio.list(To=PERSON)
    assert (record["direction"], record["from"], record["body"]) == ("outbound-reply", SENDER, "Hello back")
    [entry] = (await twilio.sim.api.get("/sim/wire")).json()[:1]
    assert entry["remark"] == "answers by itself"


async def test_the_gateways_own_answer_says_nothing(twilio: Twilio, gateway: Gateway) -> None:
    """
    Nothing is remarked of it.
    """
    await twilio.write("Hi")
    [entry] = (await twilio.sim.api.get("/sim/wire")).json()
    assert entry["remark"] is None
    assert await twilio.list(To=PERSON) == []


async def test_a_duplicate_is_answered_twice(twilio: Twilio, gateway: Gateway) -> None:
    """
    Whoever answers by TwiML must know duplicates, too.
    """
    gateway.answer = b"<Response><Message>Twice</Message></Response>"
    await twilio.order("duplicate")
    await twilio.write("Hi")
    assert [it["body"] for it in await came(twilio, 2)] == ["Twice", "Twice"]


async def test_an_answer_that_asks_for_reports_gets_them(twilio: Twilio, gateway: Gateway) -> None:
    """
    As every message does.
    """
    gateway.answer = f'<Response><Message statusCallback="{gateway.status_url}">Hi</Message></Response>'.encode()
    await twilio.write("Hi")
    _, sent, *_ = await gateway.until_received(4)
    assert sent.status == "sent"
    assert gateway.reports(sent.form["MessageSid"]) == ["sent", "delivered", "read"]


async def test_an_answer_that_is_no_twiml_has_failed(twilio: Twilio, gateway: Gateway, account: Account) -> None:
    """
    12100, and the fallback is requested; one that is too long is written down as 14103 and not sent.
    """
    gateway.answer = b"<!doctype html><html></html>"
    await twilio.write("Hi")
    assert [it.form.get("ErrorCode") for it in await gateway.until_received(2)] == [None, "12100"]
    gateway.answer = b"<Response><Message>" + b"x" * 1601 + b"</Message></Response>"
    await twilio.write("Hi")
    assert [alert.code for alert in account.alerts][-1] == 14103
    assert await twilio.list(To=PERSON) == []
