"""What is in order at Twilio and what is not, in words: decisions on what was read, without a network."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from shared.channels.line_setup import Finding, Webhooks
from shared.channels.whatsapp_twilio.lines import UPDATING, Line
from shared.channels.whatsapp_twilio.login import AccountRecord
from shared.channels.whatsapp_twilio.rest import NotAnswered, Trouble
from shared.channels.whatsapp_twilio.webhook_findings import (
    about_callback,
    about_fallback,
    about_status_callback,
    error,
    ok,
    warning,
)

SANDBOX_NUMBER: Final = "whatsapp:+14155238886"
"""Shared by every developer at Twilio, and in no account's list of senders."""

_CLOCK_TOLERANCE = timedelta(seconds=60)
_ONLINE = frozenset({"ONLINE", UPDATING})
_VERIFYING = frozenset({"PENDING_VERIFICATION", "VERIFYING"})


WRONG_CREDENTIALS = error(
    "wrong_credentials",
    "Twilio does not accept these credentials.",
    "Check Account SID and Auth Token. A token that was rotated at Twilio has to be stored here again.",
)
UNREACHABLE = error(
    "twilio_unreachable",
    "Twilio could not be reached, or gave no usable answer.",
    "Try again. If it goes on, check this server's way to the internet and Twilio's status page.",
)
RATE_LIMITED = warning(
    "rate_limited", "Twilio refuses more requests for the moment.", "Nothing was looked at. Try again in 30 seconds."
)
API_KEY_ONLY = warning(
    "api_key_only",
    "These credentials are an API key: it can send, but not read the account nor verify webhooks.",
    "Store the account's Auth Token, or a shared key, as a secret that signs webhooks.",
)
SENDER_MISSING = error(
    "sender_missing",
    "The account has no such sender. Messages to and from it belong to nobody here.",
    "Check the number, and that these are the credentials of the account that owns it.",
)
SANDBOX = warning(
    "sandbox_number",
    "The number is Twilio's sandbox: shared, for people who have joined it, for three days.",
    "Good for trying out: set its webhook on the sandbox page of Twilio's console. For production, register a sender.",
)
_REFUSALS: Mapping[Trouble, Finding] = {
    Trouble.UNAUTHORIZED: WRONG_CREDENTIALS,
    Trouble.UNREACHABLE: UNREACHABLE,
    Trouble.RATE_LIMITED: RATE_LIMITED,
}


def about_trouble(problem: NotAnswered, *, is_account: bool) -> Finding:
    """Return what kept us from looking. Where the account itself is refused or not found, the login is wrong."""
    if problem.trouble in _REFUSALS:
        return _REFUSALS[problem.trouble]
    if is_account:
        return WRONG_CREDENTIALS
    code = f" (error {problem.code})" if problem.code else ""
    return error("twilio_refused", f"Twilio refused a request{code}.", "Look the code up in Twilio's dictionary.")


def about_account(account: AccountRecord) -> list[Finding]:
    """Return whether the account may send."""
    if not account.is_active:
        closed = account.status == "closed"
        return [
            error(
                "account_closed" if closed else "account_suspended",
                f"The Twilio account is {account.status}: it neither sends nor receives.",
                "Use another account."
                if closed
                else "Settle what Twilio asks for in its console, billing most of all.",
            )
        ]
    active = ok("account_active", "The Twilio account is active.")
    if account.type != "Trial":
        return [active]
    trial = "The account is a trial: it sends to verified numbers only, and few messages a day."
    return [active, warning("trial_account", trial, "Upgrade the account at Twilio before production.")]


def about_key(denied: Iterable[str]) -> Finding:
    """Return what an API key can do; `denied`: what it was refused."""
    areas = ", ".join(denied)
    if not areas:
        return API_KEY_ONLY
    return warning(
        "restricted_key",
        f"The API key may not read: {areas}. That part was not looked at.",
        "Give the restricted key these permissions at Twilio, or use a standard key.",
    )


def about_clock(twilio: datetime | None, ours: datetime) -> list[Finding]:
    """Return whether our clock and Twilio's agree."""
    if twilio is None or abs(twilio - ours) <= _CLOCK_TOLERANCE:
        return []
    apart = round(abs((twilio - ours).total_seconds()))
    return [
        warning(
            "clock_skew",
            f"This server's clock and Twilio's are {apart} seconds apart.",
            "Set the server's clock by NTP: the 24-hour window and gap-fill reckon with it.",
        )
    ]


def about_other_account(name: str) -> Finding:
    """Return that the line belongs to a subaccount."""
    return error(
        "sender_of_another_account",
        f"The number belongs to the subaccount “{name}”, not to this account.",
        "Use the subaccount's own Account SID and Auth Token for this line.",
    )


def about_line(line: Line, wanted: Webhooks) -> list[Finding]:
    """Return whether the line works, and whether it reports to us."""
    return [
        _about_status(line),
        *_about_quality(line),
        *_about_application(line),
        *about_callback(line.webhooks, wanted),
        *about_fallback(line.webhooks, wanted),
        *about_status_callback(line.webhooks, wanted),
    ]


def _about_status(line: Line) -> Finding:
    if not line.has_sms:
        return error("number_lacks_sms", "The number cannot send or receive SMS.", "Use a number that can.")
    if line.status in _ONLINE:
        return ok("sender_online", "The sender is online.")
    if line.status in _VERIFYING:
        return error(
            "sender_pending_verification",
            "The sender's number is not verified yet.",
            "Enter the code that Twilio sends to the number.",
        )
    if line.status == "OFFLINE":
        why = f" Twilio's reasons: {'; '.join(line.reasons)}." if line.reasons else ""
        return error("sender_offline", f"The sender is offline.{why}", "Resolve the reasons in Twilio's console.")
    return error(
        "sender_not_ready",
        f"The sender is not in service: {line.status}.",
        "Finish its registration in Twilio's console, or wait for Twilio's review.",
    )


def _about_quality(line: Line) -> list[Finding]:
    if line.quality.upper() != "LOW":
        return []
    text = "Meta rates the sender's quality as low: it may be limited or banned."
    return [
        warning("quality_low", text, "Write less, and only what people expect. Blocks and reports lower the rating.")
    ]


def _about_application(line: Line) -> list[Finding]:
    if line.webhooks.application_sid is None:
        return []
    text = "An application overrides the number's own addresses: messages go where it says."
    return [
        error("sms_application_overrides", text, "Take the application from the number's configuration.", fixable=True)
    ]
