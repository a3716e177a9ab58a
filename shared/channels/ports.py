"""
What a channel must offer: to receive (`Inbound`) and to send (`Outbound`).

Services speak to these; each channel's folder implements them, and the registries `inbound.py` and `outbound.py` name them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from shared.channels.line_setup import ConnectionTest, Finding, Provisioning, Webhooks
from shared.directory import SigningSecret
from shared.failures import SendFailure
from shared.ids import AccountSid, Address, AttemptId, ProviderSid


@dataclass(frozen=True)
class Webhook:
    """A provider's request, as raw as it came."""

    suffix: str
    """The raw path below the channel's webhook path, such as `/status`; empty for the webhook itself."""
    query: str
    """The raw query string, without `?`."""
    body: bytes
    headers: Mapping[str, tuple[str, ...]]
    """Lower-case names; every value that came."""


@dataclass(frozen=True)
class MediaReference:
    """Where the provider keeps something that a person sent. `media_type`: what it is said to be; not to be relied on."""

    url: str
    media_type: str


@dataclass(frozen=True)
class Referral:
    """The advertisement or post that somebody came by. `kind`: what it was, such as `ad`; empty where the provider says nothing of it."""

    kind: str
    id: str
    headline: str
    url: str


@dataclass(frozen=True)
class InboundMessage:
    """What a person sent, as the channel's adapter read it."""

    provider_sid: ProviderSid
    sender: Address
    to: Address
    user_id: Address | None
    phone: Address | None
    profile_name: str
    text: str
    num_media: int
    params: Mapping[str, str]
    service: str = ""
    """The provider's id of the pool of senders that ours belongs to; empty where it is in none."""
    media: tuple[MediaReference, ...] = ()
    """What can be fetched of what came with it, by addresses of the provider's own form alone."""
    referral: Referral | None = None
    """What led them here, told once, with the message that they wrote there."""

    @property
    def person(self) -> Address:
        """The steadiest name of the sender: the user id where there is one, else the address."""
        return self.user_id or self.sender


@dataclass(frozen=True)
class StatusReport:
    """What the provider says became of a message that we sent."""

    provider_sid: ProviderSid
    sender: Address
    """Our own address, which the message went out from; it tells the line."""
    attempt: AttemptId | None
    status: str
    error_code: int | None
    service: str = ""
    """As of a message."""


class InvalidForm(ValueError):
    """Genuine, but not of the provider's form: a mutated replay, or a contract that changed. Carries no content."""


class Inbound(Protocol):
    """Reads and verifies a provider's webhooks. Pure: no network, no clock."""

    def form(self, body: bytes) -> Sequence[tuple[str, str]]:
        """Decode the body. Raises `InvalidForm`."""

    def account(self, form: Sequence[tuple[str, str]]) -> AccountSid | None:
        """Return the account that the form claims to come from; None where it names none in the right pattern."""

    def genuine(self, webhook: Webhook, form: Sequence[tuple[str, str]], secrets: Sequence[SigningSecret]) -> bool:
        """Tell whether one of the accepted secrets signed this request."""

    def is_report(self, form: Sequence[tuple[str, str]]) -> bool:
        """Tell whether the form is a status callback, wherever it was sent."""

    def message(self, form: Sequence[tuple[str, str]]) -> InboundMessage:
        """Read an inbound message. Raises `InvalidForm`."""

    def report(self, webhook: Webhook, form: Sequence[tuple[str, str]]) -> StatusReport:
        """Read a status callback. Raises `InvalidForm`."""


@dataclass(frozen=True)
class Credentials:
    """What a call authenticates with: the account's auth token, or with `key_sid` an API key's secret."""

    account_sid: AccountSid
    secret: str
    key_sid: str = ""

    @property
    def user(self) -> str:
        """Return the name to log in with."""
        return self.key_sid or self.account_sid

    def __repr__(self) -> str:
        return f"Credentials(account_sid={self.account_sid})"


@dataclass(frozen=True)
class Accepted:
    """The provider took the part and gave it an id. `status`: what it tells of it at once, in the words of its reports."""

    provider_sid: ProviderSid
    http_status: int
    status: str = "accepted"


@dataclass(frozen=True)
class Refused:
    """The provider did not take the part."""

    failure: SendFailure
    code: int | None
    http_status: int | None


@dataclass(frozen=True)
class Unknown:
    """The provider may have taken the part: ask before anything else is sent."""

    reason: str
    http_status: int | None = None


Outcome = Accepted | Refused | Unknown


@dataclass(frozen=True)
class Listed:
    """A message that the provider lists as sent by us."""

    provider_sid: ProviderSid
    body: str
    status: str
    error_code: int | None
    created_at: datetime


class Outbound(Protocol):
    """Renders and sends in a channel's dialect."""

    @property
    def window(self) -> timedelta | None:
        """How long after a person's last message the channel takes a free answer; None: for ever."""

    def render(self, markdown: str, sources: Sequence[str], *, limit: int, truncated: bool) -> list[str]:
        """
        Return the parts of a reply in the channel's markup, each within `limit` units and the channel's own.

        `truncated`: as much as one message holds instead, which says that it was cut off.
        """

    async def send(
        self, credentials: Credentials, *, sender: Address, to: Address, body: str, attempt: AttemptId
    ) -> Outcome:
        """Make one attempt. Never raises for what the provider or the network does."""

    async def find_sent(
        self, credentials: Credentials, *, sender: Address, to: Address, since: datetime
    ) -> list[Listed] | None:
        """List what was sent from `sender` to `to`; None when the provider cannot tell now."""

    async def typing(self, credentials: Credentials, *, provider_sid: ProviderSid) -> bool:
        """Show that an answer to this message is being written; False where that failed."""

    def failure(self, code: int) -> SendFailure:
        """Return the meaning of a provider's error code."""


@dataclass(frozen=True)
class Received:
    """A message that the provider lists as sent to us, and when, by its clock."""

    message: InboundMessage
    at: datetime


class ProviderUnavailable(Exception):
    """The provider cannot be asked now. Carries no content."""


class Account(Protocol):
    """What can be asked of a provider about an account, and be changed there."""

    def webhooks(self, webhook_url: str, *, line: str = "", fallback_base: str | None = None) -> Webhooks:
        """
        Return what a line should be set to.

        `webhook_url`: the public name of our webhook path; `line`: what follows it for this line alone, without a slash;
        `fallback_base`: another cluster's scheme and host for the fallback, in place of our own.
        """

    async def test_connection(self, credentials: Credentials) -> ConnectionTest:
        """Test a login, within ten seconds. Never raises, changes nothing, and keeps nothing of what was answered."""

    async def inspect(self, credentials: Credentials, *, sender: Address, wanted: Webhooks) -> list[Finding]:
        """
        Look at everything between people and us that is set up at the provider, a line's webhooks and alerts included.

        Never raises and changes nothing. What keeps it from looking is itself the finding, and then the only one.
        """

    async def probe(self, token: Credentials, *, wanted: Webhooks) -> list[Finding]:
        """
        Call a line's webhook through its public address as the provider would, with a right and with a wrong signature.

        `token`: what the provider signs with. For an address that nobody answers on, so that nothing comes of it. Never
        raises, follows no redirect, and keeps nothing of an answer but its status.
        """

    async def canary_writes(self, token: Credentials, *, wanted: Webhooks, to: Address, sid: ProviderSid) -> bool:
        """
        Post a message of the canary to a line's webhook through its public address, as the provider would (ADR 30).

        `token`: what the provider signs with. Tells whether it was accepted. Never raises, and follows no redirect.
        """

    async def canary_hears(
        self, token: Credentials, *, wanted: Webhooks, sender: Address, sid: ProviderSid, attempt: AttemptId
    ) -> bool:
        """Post that our answer to the canary was delivered, likewise. `sender`: who answered; `sid`: the answer."""

    async def provision(self, credentials: Credentials, *, sender: Address, wanted: Webhooks) -> Provisioning:
        """
        Set a line's webhooks, unless they are so already, and wait a while until that has settled. Never raises.

        To undo, provision what was `previous`. A line of another account is never touched.
        """

    async def received(self, credentials: Credentials, *, to: Address, since: datetime) -> list[Received]:
        """
        List what people sent to our address `to` since then, the oldest first.

        Raises ProviderUnavailable: then nothing is known, not even a part.
        """

    async def forget(self, credentials: Credentials, *, provider_sid: ProviderSid) -> None:
        """
        Let the provider delete its copy of a message, either way, with its media; nothing where it has none any more.

        Raises ProviderUnavailable: it may have been deleted all the same, and asking again does no harm.
        """


class MediaUnfetched(Exception):
    """
    What a person sent cannot be had. `reason`: gone, too_large or, where another try may help, unavailable.

    It says nothing of the address.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Media(Protocol):
    """Fetches what people sent from where the provider keeps it."""

    async def fetch(self, credentials: Credentials, url: str) -> bytes:
        """Return it, of whatever kind it is. Raises `MediaUnfetched`."""
