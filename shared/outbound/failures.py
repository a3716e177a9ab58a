"""Every way in which an outbound call can fail. Its words hold nothing of the address, which may carry secrets."""

from dataclasses import dataclass

import httpx2

from shared.failures import Failure


@dataclass(frozen=True)
class OutboundFailure(Failure):
    """
    A named way to fail.

    `words`: for models and admins. `begun`: the other side may have got the request, and may have acted on it.
    """

    words: str = ""
    begun: bool = False


URL_MALFORMED = OutboundFailure("url_malformed", page=True, words="The address is not well formed.")
URL_SCHEME = OutboundFailure("url_scheme", page=True, words="The address does not begin with https.")
URL_PORT = OutboundFailure("url_port", page=True, words="The address names a port other than 443.")
URL_USERINFO = OutboundFailure("url_userinfo", page=True, words="The address carries a user name or password.")
HOST_REFUSED = OutboundFailure("host_refused", page=True, words="The address does not name a public host.")
HOST_NOT_LISTED = OutboundFailure(
    "host_not_listed", page=True, words="The host is not one of those that may be called."
)
HOST_NOT_PUBLIC = OutboundFailure(
    "host_not_public", page=True, words="The host is in a network that must not be called."
)
HOST_UNKNOWN = OutboundFailure("host_unknown", retry=True, words="The host is not known.")
HEADER_REFUSED = OutboundFailure("header_refused", page=True, words="A header of the request is not allowed.")
UNREACHABLE = OutboundFailure("unreachable", retry=True, words="The host could not be reached.")
CERTIFICATE = OutboundFailure("certificate", retry=True, words="The host's certificate is not valid.")
TIMED_OUT = OutboundFailure("timed_out", retry=True, begun=True, words="The host did not answer in time.")
BROKE_OFF = OutboundFailure(
    "broke_off", retry=True, begun=True, words="The connection broke before the answer was complete."
)
TOO_LARGE = OutboundFailure("answer_too_large", page=True, begun=True, words="The answer is too large.")
NOT_TEXT = OutboundFailure("answer_not_text", page=True, begun=True, words="The answer is not a text.")
REDIRECTED = OutboundFailure(
    "redirected", page=True, begun=True, words="The host answered with a redirect, which is not followed."
)
MAIL_PUT_OFF = OutboundFailure("mail_put_off", retry=True, words="The mail server does not take it for now.")
MAIL_REFUSED = OutboundFailure("mail_refused", page=True, words="The mail server does not take it.")
MAIL_LOGIN = OutboundFailure("mail_login", page=True, words="The mail server does not take this user and password.")
MAIL_INSECURE = OutboundFailure("mail_insecure", page=True, words="The mail server offers no encryption.")


class Refused(httpx2.TransportError):
    """What a transport raises, since that is what HTTP clients expect."""

    def __init__(self, failure: OutboundFailure) -> None:
        super().__init__(failure.words)
        self.failure = failure
