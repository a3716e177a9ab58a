"""The words for what became of something, each with its icon and colour (product-ux.md, section 2)."""

from collections.abc import Mapping
from typing import NamedTuple

from services.console.pages.navigation import _


class Status(NamedTuple):
    """How a state is shown. `tone`: ok, wait, bad or calm."""

    word: str
    icon: str
    tone: str


_STATUSES: Mapping[str, Status] = {
    # what came in
    "asked": Status(_("received"), "arrow-down-left", "ok"),
    "received": Status(_("received"), "arrow-down-left", "ok"),
    "duplicate": Status(_("duplicate"), "copy", "calm"),
    "ignored": Status(_("ignored"), "circle-minus", "calm"),
    "rate_limited": Status(_("rate limited"), "gauge", "wait"),
    "over_limit": Status(_("rate limited"), "gauge", "wait"),
    # parts of answers
    "queued": Status(_("queued"), "clock", "wait"),
    "sending": Status(_("sending"), "send", "wait"),
    "accepted": Status(_("accepted"), "send", "wait"),
    "sent": Status(_("sent"), "check", "ok"),
    "delivered": Status(_("delivered"), "check-check", "ok"),
    "read": Status(_("read"), "check-check", "ok"),
    "undelivered": Status(_("undelivered"), "circle-x", "bad"),
    "failed": Status(_("failed"), "circle-x", "bad"),
    "unknown": Status(_("unknown"), "circle-help", "wait"),
    "parked": Status(_("parked"), "pause", "wait"),
    "cancelled": Status(_("cancelled"), "circle-minus", "calm"),
    # dead letters
    "waiting": Status(_("needs attention"), "triangle-alert", "bad"),
    "replayed": Status(_("replayed"), "rotate-ccw", "ok"),
    "discarded": Status(_("discarded"), "trash-2", "calm"),
    # conversations
    "open": Status(_("open"), "message-circle", "ok"),
    "closed": Status(_("closed"), "check", "calm"),
    "handed_off": Status(_("with a person"), "hand", "wait"),
    # paired numbers and users
    "writing": Status(_("wrote today"), "message-circle", "ok"),
    "quiet": Status(_("quiet"), "clock", "calm"),
    "enabled": Status(_("enabled"), "circle-check", "ok"),
    "disabled": Status(_("disabled"), "circle-minus", "calm"),
    # services
    "Ready": Status(_("Ready"), "circle-check", "ok"),
    "Not ready": Status(_("Not ready"), "triangle-alert", "bad"),
    "Down": Status(_("Down"), "circle-x", "bad"),
}


def of(state: str) -> Status:
    """Return how a state is shown; one without a word of its own is shown as it is."""
    if state in _STATUSES:
        return _STATUSES[state]
    return Status(state.replace("_", " ").replace("/", " /"), "terminal" if "/" in state else "circle-minus", "calm")
