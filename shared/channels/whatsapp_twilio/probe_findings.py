"""What a probe of the public address came to, in words: decisions on what came back, without a network."""

from typing import Final

import aiohttp

from shared.channels.line_setup import Finding
from shared.channels.whatsapp_twilio.webhook_findings import error, ok

_OK = range(200, 300)
_REDIRECTS = range(300, 400)
_FORBIDDEN = 403
_NOT_FOUND = 404
_BROKEN = range(500, 600)

FINE: Final = ok("probe_fine", "A signed request through the public address reaches us, and a forged one is refused.")
INSECURE: Final = error(
    "probe_not_encrypted",
    "The public address is not encrypted; nothing was sent to it.",
    "Let TWILIO_WEBHOOK_URL begin with https://, and restart ingress, egress and console.",
)
_FORGERY_TAKEN: Final = error(
    "probe_forgery_taken",
    "Whatever answers at the public address takes requests with a wrong signature.",
    "Find out what answers there: our gateway refuses them with 403.",
)
_SOMEBODY_ELSE: Final = error(
    "probe_answered_elsewhere",
    "Something answers at the public address, and it is not our gateway.",
    "Let the public address of TWILIO_WEBHOOK_URL lead to ingress: check DNS, tunnel and proxy.",
)


def about_answer(status: int, is_ours: bool) -> Finding | None:  # noqa: FBT001 - the two halves of an answer
    """Return what is wrong with the answer to a genuine request; None where it is as it should be."""
    if status in _OK:
        return None if is_ours else _SOMEBODY_ELSE
    if status in _REDIRECTS:
        return error(
            "probe_redirected",
            f"The public address redirects elsewhere ({status}); Twilio's POST gets lost on the way.",
            "Set TWILIO_WEBHOOK_URL to where the redirect leads, most often https:// or a path without the last slash.",
        )
    if status == _FORBIDDEN:
        return error(
            "probe_refused",
            "Our own genuine request is refused with 403: the token, or the public address, differs on the way.",
            "Give ingress, egress and console one TWILIO_WEBHOOK_URL, exactly as Twilio calls it; let no proxy change "
            "the body.",
        )
    if status == _NOT_FOUND:
        return error(
            "probe_not_found",
            "There is nothing at the public address's path (404).",
            "Let the proxy hand the path of TWILIO_WEBHOOK_URL to ingress as /webhooks/twilio.",
        )
    if status in _BROKEN:
        return error(
            "probe_failed",
            f"The public address answers {status}.",
            "Look at ingress and NATS (trunkline status), and at the log of the proxy before them.",
        )
    return error(
        "probe_answered_oddly",
        f"The public address answers {status}, which our gateway does not.",
        "Look at what stands before the gateway: a login, a firewall or a size limit of its own.",
    )


def about_forgery(status: int) -> Finding:
    """Return whether a request with a wrong signature was refused, the genuine one having been taken."""
    return FINE if status == _FORBIDDEN else _FORGERY_TAKEN


def about_failure(problem: Exception) -> Finding:
    """Return why there was no answer."""
    if isinstance(problem, TimeoutError):
        return _unreachable("timeout", "does not answer in time", "Check the firewall and the proxy before ingress.")
    if isinstance(problem, aiohttp.ClientConnectorDNSError):
        return _unreachable(
            "dns", "has a name that DNS does not know", "Check the name in TWILIO_WEBHOOK_URL, and DNS."
        )
    if isinstance(problem, aiohttp.ClientSSLError):
        return _unreachable("tls", "has no valid certificate", "Renew the certificate; Twilio takes public ones only.")
    if isinstance(problem, aiohttp.ClientConnectorError) and isinstance(problem.os_error, ConnectionRefusedError):
        return _unreachable("closed", "refuses connections", "Start ingress, or the tunnel or proxy before it.")
    return _unreachable("broken", "gives no answer", "Check the way from the internet to ingress.")


def _unreachable(kind: str, what: str, remedy: str) -> Finding:
    return error(f"probe_unreachable_{kind}", f"The public address {what}.", remedy)
