"""Kinds of messages that people send: what a phone offers to send, and what Twilio's webhook then carries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Fields = Mapping[str, str]

_LONG = "What I would like to know is this. "
_MOST = 1600


@dataclass(frozen=True)
class Kind:
    """
    One kind. `body`: what is written where nobody says what; `fields`: what the webhook carries for a body.

    `about`: what the phone shows beside the text.
    """

    label: str
    body: str = ""
    about: str | None = None
    fields: Callable[[str], Fields] = lambda _: {}
    media: str | None = None
    location: Mapping[str, str] | None = None


def _button(body: str) -> Fields:
    return {"ButtonText": body, "ButtonPayload": "BOOK_TABLE", "MessageType": "interactive"}


def _listed(body: str) -> Fields:
    details = {"ListId": "slot-1030", "ListTitle": body, "ListDescription": "One hour, two people"}
    return {**details, "MessageType": "interactive"}


def _ad(_body: str) -> Fields:
    return {
        "ReferralBody": "Fresh bread, delivered before breakfast",
        "ReferralCtwaClid": "ARAkLkA8rmlFeiCktEJQ-QTwRiyYHAFDLMNDBH0CD3qpjd0HR4irJ6LE",
        "ReferralHeadline": "Breakfast at your door",
        "ReferralSourceId": "120212345678901234",
        "ReferralSourceType": "ad",
        "ReferralSourceUrl": "https://fb.example/ad/120212345678901234",
    }


KINDS: Mapping[str, Kind] = {
    "emoji": Kind("Emoji", "👋🏽 👨‍👩‍👧‍👦 🇮🇹 1️⃣ ✅"),
    "rtl": Kind("Right to left", "مرحبا، متى تفتحون؟ (Café Ünal, 10:30)"),
    "long": Kind("1,600 characters", (_LONG * _MOST)[: _MOST - 1] + "."),
    "image": Kind("Picture", media="image/png"),
    "location": Kind(
        "Location", location={"latitude": "45.4642", "longitude": "9.1900", "label": "Duomo", "address": "Milano"}
    ),
    "button": Kind("Quick-reply button", "Book a table", "Button", _button),
    "list": Kind("List reply", "Tuesday 10:30", "Chosen from a list", _listed),
    "forwarded": Kind("Forwarded", "Look, they are open on Sunday!", "Forwarded", lambda _: {"Forwarded": "true"}),
    "ad": Kind("Ad click", "Hi! I saw your ad.", "From an ad: Breakfast at your door", _ad),
    "join": Kind("Join the sandbox", "join quick-fox"),
}
"""Every kind by the name that `/sim/messages` takes."""


class UnknownKind(ValueError):
    """There is no such kind of message."""

    def __init__(self) -> None:
        super().__init__(f"kind is none of: {', '.join(KINDS)}")


def kind_named(name: str) -> Kind:
    """Return a kind. Raises UnknownKind."""
    if name not in KINDS:
        raise UnknownKind
    return KINDS[name]
