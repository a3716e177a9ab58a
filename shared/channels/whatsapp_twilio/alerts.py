"""
What Twilio wrote down of webhooks of ours that failed: Monitor v1's alerts.

Source: the Alerts resource and the error dictionary of Twilio's public documentation.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from urllib.parse import parse_qs

from shared.channels.line_setup import Finding, Severity, Webhooks
from shared.channels.whatsapp_twilio.rest import MONITOR, Record, TwilioRest
from shared.channels.whatsapp_twilio.webhook_findings import place

RECENT = timedelta(hours=1)
_MOST = 200
"""Alerts that are looked at. The newest come first."""

_FORBIDDEN = "403"

_WORDS: Mapping[str, tuple[str, str]] = {
    _FORBIDDEN: (
        "we answered 403, as we do to a signature that is not right",
        "Check that the stored Auth Token is the account's primary one, and that the public URL is the one at Twilio.",
    ),
    "11200": ("they got an error from us", "Look at the gateway's log and at what stands before it."),
    "11205": ("Twilio could not connect", "Check that the public URL is reachable from the internet."),
    "11206": ("the answer was no valid HTTP", "Check the proxy that stands before the gateway."),
    "11210": ("the host's name is not known", "Check the public URL's name in DNS."),
    "11220": ("the encrypted connection failed", "Check the public URL's certificate."),
    "11237": ("the certificate is not trusted", "Use a certificate of a public authority."),
    "12300": ("the answer had a wrong content type", "Check the proxy that stands before the gateway."),
    "14107": ("replies ran in a circle", "Check that the line does not answer another machine, or itself."),
    "57012": ("the signature did not match", "Promote the secondary token only once it is stored here as accepted."),
}
_OTHER = ("see Twilio's error dictionary", "Look the code up in Twilio's error dictionary.")


class _Alert(Record):
    error_code: str | int | None = None
    alert_text: str | None = None
    request_url: str | None = None

    @property
    def kind(self) -> str:
        """Return its code, or 403 where that is what the webhook was answered."""
        answered = parse_qs(self.alert_text or "").get("httpResponse", [""])[0]
        return _FORBIDDEN if answered == _FORBIDDEN else str(self.error_code or "")


async def recent_alerts(rest: TwilioRest, wanted: Webhooks, now: datetime) -> list[Finding]:
    """Return one finding for each kind of failure in the last hour, or that there was none. Raises NotAnswered."""
    since = (now - RECENT).strftime("%Y-%m-%dT%H:%M:%SZ")
    found, seen = Counter[str](), 0
    query = {"LogLevel": "error", "StartDate": since, "PageSize": _MOST}
    async for alert in rest.each(_Alert, "alerts", f"{MONITOR}/v1/Alerts", query):
        seen += 1
        if alert.request_url and place(alert.request_url) in _places(wanted):
            found[alert.kind] += 1
        if seen >= _MOST:
            break
    if not found:
        return [Finding("no_recent_alerts", Severity.OK, "Twilio reports no failed webhooks in the last hour.")]
    return [_finding(kind, count) for kind, count in sorted(found.items())]


def _finding(kind: str, count: int) -> Finding:
    what, remedy = _WORDS.get(kind, _OTHER)
    error = "" if kind == _FORBIDDEN else f"Error {kind}: "
    text = f"{error}{count} of our webhooks failed in the last hour; {what}."
    return Finding(f"alerts_recent_{kind}", Severity.WARNING, text, remedy)


def _places(wanted: Webhooks) -> Iterable[str]:
    urls = (wanted.callback_url, wanted.fallback_url, wanted.status_callback_url)
    return {place(url) for url in urls if url}
