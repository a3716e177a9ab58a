"""Where Twilio keeps what people send (twilio.md, section 9)."""

import re

_MEDIA = re.compile(
    r"https://(?P<host>(?:[a-z0-9-]{1,63}\.){1,4}twilio\.com)/2010-04-01"
    r"/Accounts/(?P<account>AC[0-9a-fA-F]{32})/Messages/(?P<message>[SM]M[0-9a-f]{32})/Media/ME[0-9a-fA-F]{32}",
    re.ASCII,
)


def host_of(url: str) -> str | None:
    """Return the host of Twilio's that a media address names; None for any other address."""
    match = _MEDIA.fullmatch(url)
    return match["host"] if match else None


def is_of_message(url: str, account: str, message: str) -> bool:
    """Tell whether an address is that of media of this very message: no signed form may name another account's."""
    match = _MEDIA.fullmatch(url)
    return match is not None and (match["account"], match["message"]) == (account, message)
