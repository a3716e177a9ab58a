"""
Twilio's error codes: what each means, whether to try again, and what the admin should do.

Sources: Twilio's error and warning dictionary, and its table that maps WhatsApp's codes to its own.
"""

from collections.abc import Mapping
from typing import Final

from shared.failures import SendFailure

THROTTLED: Final = SendFailure("provider_throttled", retry=True, advice="Nothing: sent again by itself.")
PAIR_THROTTLED: Final = SendFailure(
    "recipient_throttled", retry=True, after=6.0, advice="Too many messages to one person; sent again by itself."
)
QUEUE_FULL: Final = SendFailure(
    "provider_queue_full", retry=True, after=60.0, advice="Send less, or ask Twilio for more."
)
PASSING: Final = SendFailure("provider_hiccup", retry=True, most=2, advice="Nothing, unless it goes on.")
PROVIDER_ERROR: Final = SendFailure("provider_error", retry=True, most=4, advice="Look at Twilio's status page.")
UNREACHABLE: Final = SendFailure("provider_unreachable", retry=True, most=60, page=True, advice="Check the network.")
BAD_CREDENTIALS: Final = SendFailure(
    "bad_credentials", page=True, advice="Check Account SID and Auth Token, and that the account is active."
)
BAD_SENDER: Final = SendFailure("bad_sender", page=True, advice="Check the line's number at Twilio.")
MISCONFIGURED: Final = SendFailure("channel_misconfigured", page=True, advice="Check the sender in Twilio's console.")
NOT_FOUND: Final = SendFailure("provider_not_found", page=True, advice="Check the account and the sender.")
BAD_RECIPIENT: Final = SendFailure("bad_recipient", advice="This address cannot be reached on WhatsApp.")
OPTED_OUT: Final = SendFailure("recipient_opted_out", stops=True, advice="They may return by writing START.")
BLOCKED: Final = SendFailure("recipient_blocked", stops=True, advice="They have blocked this number.")
NOT_JOINED: Final = SendFailure("sandbox_not_joined", advice="Ask them to send the sandbox's join code.")
WINDOW_CLOSED: Final = SendFailure(
    "window_closed", advice="More than 24 hours since they wrote: replay after they write."
)
FILTERED: Final = SendFailure("filtered", page=True, advice="Twilio or the carrier filtered the text.")
CONTENT: Final = SendFailure("bad_content", page=True, advice="A defect on our side: report it.")
EXPIRED: Final = SendFailure("validity_expired", advice="It waited too long at Twilio.")
LIMITED_BY_META: Final = SendFailure("limited_by_meta", advice="Meta holds messages to this person back; try tomorrow.")
DAILY_LIMIT: Final = SendFailure("daily_limit", page=True, advice="The account's daily limit is used up.")
UNKNOWN_CODE: Final = SendFailure("provider_refused", page=True, advice="Look the code up in Twilio's dictionary.")

CODES: Final[Mapping[int, SendFailure]] = {
    20003: BAD_CREDENTIALS,
    20404: NOT_FOUND,
    20429: THROTTLED,
    21211: BAD_RECIPIENT,
    21212: BAD_SENDER,
    21401: BAD_SENDER,
    21408: MISCONFIGURED,
    21601: BAD_SENDER,
    21602: CONTENT,
    21603: BAD_SENDER,
    21606: BAD_SENDER,
    21610: OPTED_OUT,
    21611: QUEUE_FULL,
    21614: BAD_RECIPIENT,
    21617: CONTENT,
    21654: CONTENT,
    21655: CONTENT,
    21656: CONTENT,
    21658: CONTENT,
    21703: BAD_SENDER,
    30001: QUEUE_FULL,
    30002: BAD_CREDENTIALS,
    30003: PASSING,
    30004: BLOCKED,
    30005: BAD_RECIPIENT,
    30006: BAD_RECIPIENT,
    30007: FILTERED,
    30008: PASSING,
    30036: EXPIRED,
    30500: PASSING,
    63001: MISCONFIGURED,
    63003: BAD_RECIPIENT,
    63005: BAD_RECIPIENT,
    63006: MISCONFIGURED,
    63007: BAD_SENDER,
    63008: MISCONFIGURED,
    63010: PROVIDER_ERROR,
    63012: PROVIDER_ERROR,
    63013: FILTERED,
    63014: BLOCKED,
    63015: NOT_JOINED,
    63016: WINDOW_CLOSED,
    63017: THROTTLED,
    63018: PAIR_THROTTLED,
    63019: CONTENT,
    63020: MISCONFIGURED,
    63021: CONTENT,
    63022: CONTENT,
    63023: PASSING,
    63024: BAD_RECIPIENT,
    63025: PASSING,
    63027: CONTENT,
    63028: CONTENT,
    63029: CONTENT,
    63030: CONTENT,
    63032: LIMITED_BY_META,
    63033: UNKNOWN_CODE,
    63038: DAILY_LIMIT,
    63049: LIMITED_BY_META,
    63051: MISCONFIGURED,
    63119: THROTTLED,
}


def failure(code: int) -> SendFailure:
    """Return what a code means; one that is not in the table is permanent and pages."""
    return CODES.get(code, UNKNOWN_CODE)
