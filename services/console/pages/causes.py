"""Why something failed, and what to do about it, in the viewer's words. By the codes of `shared.failures`."""

from collections.abc import Mapping
from typing import NamedTuple

from services.console.pages.navigation import _


class Cause(NamedTuple):
    """`title`: what happened. `detail`: what to do. `code`: the provider's."""

    title: str
    detail: str
    code: int | None = None


_CAUSES: Mapping[str, tuple[str, str]] = {
    "window_closed": (
        _("Outside the 24-hour window"),
        _(
            "WhatsApp accepts free text only within 24 hours of the person's last message. Replay after they write again."
        ),
    ),
    "recipient_opted_out": (_("The person opted out"), _("They may return by writing START.")),
    "recipient_blocked": (_("The person blocked this number"), _("Nothing can be sent to them.")),
    "bad_recipient": (_("This address cannot be reached on WhatsApp"), _("Nothing can be sent to it.")),
    "bad_credentials": (
        _("Twilio refused the login"),
        _("Check Account SID and Auth Token, and that the account is active. Then replay."),
    ),
    "bad_sender": (_("Twilio refused the sender"), _("Check the line's number at Twilio. Then replay.")),
    "channel_misconfigured": (_("The sender is not set up"), _("Check the sender in Twilio's console. Then replay.")),
    "sandbox_not_joined": (_("The person has not joined the sandbox"), _("Ask them to send the sandbox's join code.")),
    "outcome_unknown": (
        _("Twilio may have sent this"),
        _("Nobody knows yet. A replay asks Twilio first, and sends only what is not there."),
    ),
    "provider_unreachable": (_("Twilio could not be reached"), _("Check the network. Then replay.")),
    "provider_error": (_("Twilio failed"), _("Look at Twilio's status page. Then replay.")),
    "provider_refused": (_("Twilio refused it"), _("Look the code up in Twilio's dictionary.")),
    "filtered": (_("The text was filtered"), _("Twilio or the carrier filtered the text. Change it.")),
    "daily_limit": (_("The account's daily limit is used up"), _("Replay tomorrow.")),
    "limited_by_meta": (_("Meta holds messages to this person back"), _("Replay tomorrow.")),
    "validity_expired": (_("It waited too long at Twilio"), _("Replay.")),
    "model_unavailable": (_("The model did not answer"), _("Check its address, key and status. Then replay.")),
    "model_empty": (_("The model answered nothing"), _("Replay; if it goes on, look at the agent's instructions.")),
    "model_refused": (_("The model refused the request"), _("Check the model's name, key and limits. Then replay.")),
    "turn_timed_out": (_("The agent took too long"), _("Replay; if it goes on, look at its tools.")),
    "turn_crashed": (_("The agent crashed"), _("A defect on our side: report it with the trace.")),
    "malformed_event": (_("The message cannot be read"), _("A defect on our side: report it. Discard it.")),
    "sealed_unreadable": (_("It cannot be decrypted"), _("Put the missing key back into the ring. Then replay.")),
    "message_failed": (_("The message could not be taken in"), _("Replay.")),
    "unknown_line": (_("The line is gone"), _("Make it anew, or discard this.")),
}


def of(failure: str | None, code: int | None = None) -> Cause | None:
    """Return why something failed; None where nothing did."""
    if failure is None:
        return None
    title, detail = _CAUSES.get(failure, (failure.replace("_", " ").capitalize(), ""))
    return Cause(title, detail, code)
