"""What can be said of a line's set-up at its provider: whether the login works, what is wrong, and what was changed."""

from dataclasses import dataclass
from enum import StrEnum


class Connection(StrEnum):
    """How a test of the credentials ended."""

    OK = "ok"
    INVALID_CREDENTIALS = "invalid_credentials"
    API_KEY = "api_key"
    """The credentials are a key that may not read the account; its messages it may."""
    UNREACHABLE = "unreachable"
    """The provider did not answer, or not in its own form: the credentials may be good or bad."""
    RATE_LIMITED = "rate_limited"


@dataclass(frozen=True)
class ConnectionTest:
    """The result of a test. `friendly_name`: the account's, where the test could read it."""

    outcome: Connection
    friendly_name: str | None = None


@dataclass(frozen=True)
class Webhooks:
    """
    Where a line reports to. None: not set.

    Addresses are given as the provider keeps them, a fragment with connection overrides included. The value can be
    stored as it is, and be provisioned again to undo a change.
    """

    callback_url: str | None
    fallback_url: str | None = None
    status_callback_url: str | None = None
    callback_method: str = "POST"
    fallback_method: str = "POST"
    status_callback_method: str = "POST"
    application_sid: str | None = None
    """Phone numbers alone: an application that overrides every address above. We want none; an undo may."""


class Severity(StrEnum):
    """How bad a finding is. ERROR: messages are lost, or cannot be sent."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """
    One thing that was looked at.

    `code` is stable; `text` says what is, `remedy` what to do about it (empty where nothing is wrong). `fixable`: the
    account's `provision` repairs it.
    """

    code: str
    severity: Severity
    text: str
    remedy: str = ""
    fixable: bool = False


class Provisioned(StrEnum):
    """How a provisioning ended."""

    UNCHANGED = "unchanged"
    """Everything was as it should be, and nothing was written."""
    CHANGED = "changed"
    """Written, and read again as it should be."""
    PENDING = "pending"
    """Accepted by the provider, and not seen to have settled yet."""
    NOT_FOUND = "not_found"
    """The account has no such line; nobody else's was looked for."""
    REFUSED = "refused"
    """The provider refused; `code` is its error."""
    INVALID_CREDENTIALS = "invalid_credentials"
    UNREACHABLE = "unreachable"
    """No answer. Where `previous` is set, the change itself is in doubt: do it again."""
    RATE_LIMITED = "rate_limited"


@dataclass(frozen=True)
class Provisioning:
    """The result of a provisioning. `previous`: what was set before a change, for the undo."""

    outcome: Provisioned
    previous: Webhooks | None = None
    code: int | None = None
