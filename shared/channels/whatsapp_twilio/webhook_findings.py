"""Whether Twilio calls us, at the right address and in the right way."""

from dataclasses import dataclass

from shared.channels.line_setup import Finding, Severity, Webhooks


def ok(code: str, text: str) -> Finding:
    """Return that something is in order."""
    return Finding(code, Severity.OK, text)


def warning(code: str, text: str, remedy: str, *, fixable: bool = False) -> Finding:
    """Return that something should be otherwise."""
    return Finding(code, Severity.WARNING, text, remedy, fixable)


def error(code: str, text: str, remedy: str, *, fixable: bool = False) -> Finding:
    """Return that messages are lost or cannot be sent."""
    return Finding(code, Severity.ERROR, text, remedy, fixable)


def about_callback(told: Webhooks, wanted: Webhooks) -> list[Finding]:
    """Return whether incoming messages come to us, encrypted, by POST and repeated after a failure."""
    set_it = f"Set it to {wanted.callback_url}"
    if told.callback_url is None:
        return [error("webhook_missing", "No webhook is set: incoming messages are lost.", set_it, fixable=True)]
    ours, theirs = _Address.of(wanted.callback_url or ""), _Address.of(told.callback_url)
    if ours.place != theirs.place:
        text = "The webhook points somewhere else: incoming messages do not reach us."
        return [error("webhook_elsewhere", text, set_it, fixable=True)]
    found = []
    if theirs.scheme != ours.scheme:
        text = "The webhook's address does not begin as ours does: messages travel unencrypted, or signatures differ."
        found.append(error("webhook_http", text, set_it, fixable=True))
    if theirs.fragment != ours.fragment:
        text = "The webhook lacks our connection overrides: Twilio does not repeat what failed."
        found.append(warning("webhook_without_overrides", text, set_it, fixable=True))
    if told.callback_method != wanted.callback_method:
        text = f"The webhook is called with {told.callback_method}, which we do not take."
        found.append(error("webhook_method", text, f"Set the method to {wanted.callback_method}.", fixable=True))
    return found or [ok("webhook_here", "The webhook points here.")]


def about_fallback(told: Webhooks, wanted: Webhooks) -> list[Finding]:
    """Return whether what the webhook could not take comes to us by another way."""
    if wanted.fallback_url is None:
        return []
    set_it = f"Set it to {wanted.fallback_url}"
    if told.fallback_url is None:
        text = "No fallback is set: a message is lost when the webhook fails for good."
        return [warning("fallback_missing", text, set_it, fixable=True)]
    if _Address.of(told.fallback_url).place != _Address.of(wanted.fallback_url).place:
        return [warning("fallback_elsewhere", "The fallback points somewhere else.", set_it, fixable=True)]
    return [ok("fallback_here", "The fallback points here.")]


def about_status_callback(told: Webhooks, wanted: Webhooks) -> list[Finding]:
    """Return whether we are told what becomes of messages that did not name a callback of their own."""
    if wanted.status_callback_url is None:
        return []
    set_it = f"Set it to {wanted.status_callback_url}"
    if told.status_callback_url is None:
        text = "No status callback is set: what others send through this line is not reported here."
        return [warning("status_callback_missing", text, set_it, fixable=True)]
    if _Address.of(told.status_callback_url).place != _Address.of(wanted.status_callback_url).place:
        text = "Status callbacks go somewhere else."
        return [warning("status_callback_elsewhere", text, set_it, fixable=True)]
    return [ok("status_callback_here", "Status callbacks come here.")]


def about_service(name: str, inbound_url: str | None, wanted: Webhooks) -> list[Finding]:
    """Return whether a Messaging Service that holds the line and governs it hands its messages to us."""
    if inbound_url and _Address.of(inbound_url).place == _Address.of(wanted.callback_url or "").place:
        return []
    defer = f"In the Messaging Service “{name}”, choose to defer to the sender's webhook, or take the sender out of it."
    if inbound_url:
        text = f"The Messaging Service “{name}” takes incoming messages; the sender's own webhook is not called."
        return [error("messaging_service_overrides_inbound", text, defer)]
    text = f"The Messaging Service “{name}” drops incoming messages, and does not even log them."
    return [error("messaging_service_drops_inbound", text, defer)]


@dataclass(frozen=True)
class _Address:
    """A URL in the parts that are compared. `place`: where it leads, whatever its scheme, query and fragment."""

    scheme: str
    place: str
    fragment: str

    @classmethod
    def of(cls, url: str) -> "_Address":
        plain, _, fragment = url.partition("#")
        scheme, _, rest = plain.partition("://")
        return cls(scheme.lower(), rest.partition("?")[0], fragment)


def place(url: str) -> str:
    """Return where a URL leads, whatever its scheme, query and fragment."""
    return _Address.of(url).place
