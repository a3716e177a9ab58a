"""
What a webhook's answer lets Twilio say to the person: the text of TwiML's `<Message>`, or a plain text as it stands.

The gateway's own answers say nothing, since what it sends goes through egress. Another integration's may; other verbs, and
pictures, are not played.
"""

from dataclasses import dataclass
from urllib.parse import urljoin
from xml.etree.ElementTree import Element, ParseError, fromstring

_PLAIN = "text/plain"
READABLE = frozenset({"text/xml", "application/xml", "text/html", _PLAIN})
"""The types of answers that Twilio takes."""


class BadTwiml(ValueError):
    """An answer is no TwiML."""


@dataclass(frozen=True)
class Said:
    """One message of an answer. `to`: None for whoever wrote; `status_callback`: who is told what becomes of it."""

    body: str
    to: str | None = None
    status_callback: str | None = None


def said(kind: str, text: str, url: str) -> tuple[Said, ...]:
    """Return what an answer of this type says. `url`: whose answer it is. Raises BadTwiml."""
    if not text.strip():
        return ()
    if kind == _PLAIN:
        return (Said(text),)
    if "<!DOCTYPE" in text.upper():  # where entities would be declared
        raise BadTwiml
    try:
        root = fromstring(text)  # noqa: S314 - nothing is declared in it
    except ParseError:
        raise BadTwiml from None
    if root.tag != "Response":
        raise BadTwiml
    messages = (_message(verb, url) for verb in root.iter("Message"))
    return tuple(message for message in messages if message.body)


def _message(verb: Element, url: str) -> Said:
    nested = verb.findtext("Body")
    callback = verb.get("statusCallback") or verb.get("action")
    body = verb.text or "" if nested is None else nested
    return Said(body.strip(), verb.get("to"), urljoin(url, callback) if callback else None)
