"""Accounts, their keys and tokens, and what belongs to each."""

import hmac
import secrets
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from dev.simulator.alerts import MOST, Alert
from dev.simulator.lines import Hook, Number, Sender, Target
from dev.simulator.messages import API_VERSION, new_sid
from dev.simulator.services import Service
from dev.simulator.settings import SimulatorSettings
from dev.simulator.templates import Template

_SCHEME = "whatsapp:"


def new_token() -> str:
    """Return a fresh auth token."""
    return secrets.token_hex(16)


@dataclass(frozen=True)
class Key:
    """
    An API key.

    `permits`: the areas that a restricted key may use; None: a standard key, which may use all but the account itself.
    """

    secret: str
    permits: frozenset[str] | None = None

    def may(self, area: str) -> bool:
        """Tell whether the key may use an area."""
        return self.permits is None or area in self.permits


@dataclass
class Account:
    """One account. A subaccount names its owner."""

    sid: str = field(default_factory=lambda: new_sid("AC"))
    auth_token: str = field(default_factory=new_token)
    """The primary token: it signs webhooks, and proves the account as the secondary does."""
    secondary_token: str | None = None
    friendly_name: str = "Trunkline simulator"
    owner_sid: str | None = None
    status: str = "active"
    type: str = "Full"
    keys: dict[str, Key] = field(default_factory=dict)
    shared_keys: dict[str, str] = field(default_factory=dict)
    signs_with: str | None = None
    """The id of the shared key that signs webhooks in place of the token."""
    senders: dict[str, Sender] = field(default_factory=dict)
    numbers: dict[str, Number] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    templates: dict[str, Template] = field(default_factory=dict)
    alerts: deque[Alert] = field(default_factory=lambda: deque(maxlen=MOST))
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    def tokens(self) -> list[str]:
        """Return the tokens that prove the account."""
        return [token for token in (self.auth_token, self.secondary_token) if token]

    def promote(self) -> bool:
        """Make the secondary token the primary one: the old one is invalid at once. False where there is none."""
        if self.secondary_token is None:
            return False
        self.auth_token, self.secondary_token = self.secondary_token, None
        return True

    def add(self, address: str, hook: Hook) -> Sender | Number:
        """Make a WhatsApp sender or, where the address is a bare number, a phone number."""
        if address.startswith(_SCHEME):
            sender = Sender(address, hook)
            self.senders[sender.sid] = sender
            return sender
        number = Number(address, hook)
        self.numbers[number.sid] = number
        return number

    def line(self, address: str) -> Sender | Number | None:
        """Return the sender or number with this address."""
        senders = (it for it in self.senders.values() if it.sender_id == address)
        numbers = (it for it in self.numbers.values() if it.phone_number == address)
        return next(senders, None) or next(numbers, None)

    def inbound(self, address: str, path: str) -> Target | None:
        """Return who is told of messages to this line: a service that holds it, unless it leaves that to the line."""
        line = self.line(address)
        service = next((it for it in self.services.values() if it.holds(address)), None)
        if service is not None and not service.use_inbound_webhook_on_number:
            return service.target(path)
        return line.hook.target(path) if line is not None else None

    def record(self) -> dict[str, Any]:
        """Return the account as the API shows it, its token included."""
        path = f"/{API_VERSION}/Accounts/{self.sid}"
        return {
            "sid": self.sid,
            "auth_token": self.auth_token,
            "friendly_name": self.friendly_name,
            "status": self.status,
            "type": self.type,
            "owner_account_sid": self.owner_sid or self.sid,
            "date_created": format_datetime(self.created),
            "date_updated": format_datetime(self.created),
            "uri": f"{path}.json",
            "subresource_uris": {
                "messages": f"{path}/Messages.json",
                "incoming_phone_numbers": f"{path}/IncomingPhoneNumbers.json",
            },
        }


@dataclass(frozen=True)
class Proven:
    """Whom a request's credentials belong to. `key`: None where a token proved it."""

    account: Account
    key: Key | None = None


class Accounts:
    """All accounts; the first is the one of the settings."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self.first = Account(settings.account_sid, settings.auth_token)
        self.first.add(settings.sender, Hook.at(settings.webhook_url))
        self.by_sid = {self.first.sid: self.first}

    def add(self, account: Account) -> Account:
        """Add an account."""
        self.by_sid[account.sid] = account
        return account

    def proven(self, user: str, secret: str) -> Proven | None:
        """Return whom these credentials belong to: an account's token, or one of its keys."""
        for account in self.by_sid.values():
            if user == account.sid and any(_equal(secret, token) for token in account.tokens()):
                return Proven(account)
            key = account.keys.get(user)
            if key is not None and _equal(secret, key.secret):
                return Proven(account, key)
        return None

    def seen_by(self, account: Account, sid: str) -> Account | None:
        """Return the account with this sid where `account` may see it: itself, or one of its subaccounts."""
        found = self.by_sid.get(sid)
        return found if found is not None and account.sid in {found.sid, found.owner_sid} else None

    def owner_of(self, address: str) -> Account:
        """Return the account that answers on an address; the first one where nobody does."""
        return next((it for it in self.by_sid.values() if it.line(address)), self.first)


def _equal(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(), known.encode())
