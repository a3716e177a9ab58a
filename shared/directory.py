"""
What ingress must know without a database: accounts with their accepted secrets, and lines.

The console writes these entries, sealed, into the NATS bucket CONFIG; ingress holds a copy in memory.
"""

import hashlib
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.ids import AccountSid, LineId, TenantId
from shared.vault import Vault, place

ACCOUNT_PREFIX = "account."
LINE_PREFIX = "line."


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class SigningSecret(_Entry):
    """
    A secret that may sign this account's webhooks. A shared key is chosen by its id, the auth token has none.

    `not_after`: when it stops to count; None: never.
    """

    kind: Literal["auth_token", "shared_key"] = "auth_token"
    key_id: str = ""
    secret: str
    not_after: datetime | None = None

    def __repr__(self) -> str:
        return f"SigningSecret(kind={self.kind})"


class AccountEntry(_Entry):
    """A Twilio account and every secret that may sign for it."""

    account_sid: AccountSid
    secrets: tuple[SigningSecret, ...]

    def accepted(self, now: datetime) -> list[SigningSecret]:
        """Return the secrets that count now."""
        return [one for one in self.secrets if one.not_after is None or one.not_after > now]


class LineEntry(_Entry):
    """A line: whose it is, and whether it is answered."""

    line: LineId
    tenant: TenantId
    channel: str
    account_sid: AccountSid
    to: str
    enabled: bool


def account_key(sid: str) -> str:
    """Return the bucket key of an account."""
    return ACCOUNT_PREFIX + _digest(sid)


def line_key(sid: str, to: str) -> str:
    """Return the bucket key of the line that answers `to`, a sender or a messaging service, in account `sid`."""
    return LINE_PREFIX + _digest(f"{sid}|{to}")


def seal_entry(vault: Vault, key: str, entry: AccountEntry | LineEntry) -> bytes:
    """Seal an entry for its key."""
    return vault.seal(entry.model_dump_json().encode(), place("platform", "config", key))


def open_entry(vault: Vault, key: str, sealed: bytes) -> AccountEntry | LineEntry:
    """Open an entry. Raises `GatewayError(SEALED_UNREADABLE)` or pydantic's ValidationError."""
    plain = vault.open(sealed, place("platform", "config", key))
    model: type[AccountEntry | LineEntry] = AccountEntry if key.startswith(ACCOUNT_PREFIX) else LineEntry
    return model.model_validate_json(plain)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
