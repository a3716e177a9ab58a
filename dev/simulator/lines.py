"""What an account answers on: WhatsApp senders and phone numbers, each with its webhooks."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Literal

from dev.simulator.messages import API_VERSION, new_sid

MESSAGING = "https://messaging.twilio.com"


@dataclass(frozen=True)
class Target:
    """Where a line's messages are reported to, and where to once that has failed."""

    url: str
    method: str = "POST"
    fallback_url: str | None = None
    fallback_method: str = "POST"


@dataclass(frozen=True)
class Hook:
    """Where a sender or number reports to. None: not set."""

    callback_url: str | None = None
    callback_method: str = "POST"
    fallback_url: str | None = None
    fallback_method: str = "POST"
    status_callback_url: str | None = None
    status_callback_method: str = "POST"

    @classmethod
    def at(cls, webhook_url: str) -> "Hook":
        """Return what a line is set to whose webhook is this URL; its status callbacks go below it."""
        return cls(webhook_url, "POST", webhook_url, "POST", webhook_url.partition("#")[0] + "/status", "POST")

    def target(self, path: str = "") -> Target | None:
        """Return who is told of messages, None where nobody is. `path`: goes behind the addresses."""
        return target(self.callback_url, self.callback_method, self.fallback_url, self.fallback_method, path)

    def but(self, **changes: str | None) -> "Hook":
        """Return it with changes; an empty URL is none."""
        return replace(self, **{name: value or None for name, value in changes.items()})  # type: ignore[arg-type]


def target(url: str | None, method: str, fallback_url: str | None, fallback_method: str, path: str) -> Target | None:
    """Return a target with a path behind both addresses, before their fragments; None where no address is set."""
    if url is None:
        return None
    return Target(_below(url, path), method, _below(fallback_url, path) if fallback_url else None, fallback_method)


def _below(url: str, path: str) -> str:
    bare, mark, fragment = url.partition("#")
    return bare + path + mark + fragment


@dataclass
class Sender:
    """A WhatsApp sender, as the Senders API of Messaging v2 keeps it."""

    sender_id: str
    hook: Hook
    sid: str = field(default_factory=lambda: new_sid("XE"))
    status: str = "ONLINE"
    quality: str = "HIGH"
    offline_reasons: list[dict[str, str]] = field(default_factory=list)
    updates: Literal["settle", "stick", "refuse"] = "settle"
    """What becomes of an update."""

    def record(self) -> dict[str, Any]:
        """Return the sender as the API shows it."""
        return {
            "sid": self.sid,
            "status": self.status,
            "sender_id": self.sender_id,
            "configuration": {
                "waba_id": "10000000000001",
                "verification_method": "sms",
                "verification_code": None,
                "voice_application_sid": None,
                "account_type": None,
            },
            "webhook": dict(vars(self.hook)),
            "profile": _PROFILE,
            "properties": {"quality_rating": self.quality, "messaging_limit": "10K Customers/24hr"},
            "offline_reasons": self.offline_reasons or None,
            "compliance": None,
            "url": f"{MESSAGING}/v2/Channels/Senders/{self.sid}",
        }


_PROFILE: Mapping[str, Any] = {
    "name": "Trunkline simulator",
    "about": None,
    "address": None,
    "description": None,
    "logo_url": None,
    "banner_url": None,
    "privacy_url": None,
    "terms_of_service_url": None,
    "accent_color": None,
    "vertical": None,
    "websites": None,
    "emails": None,
    "phone_numbers": None,
}


@dataclass
class Number:
    """A phone number for SMS, as the API of 2010 keeps it."""

    phone_number: str
    hook: Hook
    sid: str = field(default_factory=lambda: new_sid("PN"))
    application_sid: str | None = None
    """An application that overrides all of the number's SMS addresses."""
    has_sms: bool = True
    friendly_name: str = ""
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    def record(self, account_sid: str) -> dict[str, Any]:
        """Return the number as the API shows it: what is not set is an empty word."""
        return _PLAIN_NUMBER | {
            "account_sid": account_sid,
            "capabilities": {"mms": self.has_sms, "sms": self.has_sms, "voice": True, "fax": False},
            "date_created": format_datetime(self.created),
            "date_updated": format_datetime(self.created),
            "friendly_name": self.friendly_name or self.phone_number,
            "phone_number": self.phone_number,
            "sid": self.sid,
            "sms_application_sid": self.application_sid or "",
            "sms_fallback_method": self.hook.fallback_method,
            "sms_fallback_url": self.hook.fallback_url or "",
            "sms_method": self.hook.callback_method,
            "sms_url": self.hook.callback_url or "",
            "status_callback": self.hook.status_callback_url or "",
            "status_callback_method": self.hook.status_callback_method,
            "uri": f"/{API_VERSION}/Accounts/{account_sid}/IncomingPhoneNumbers/{self.sid}.json",
        }


_PLAIN_NUMBER: dict[str, Any] = {
    "address_sid": None,
    "address_requirements": "none",
    "api_version": API_VERSION,
    "beta": False,
    "identity_sid": None,
    "origin": "twilio",
    "trunk_sid": None,
    "voice_receive_mode": "voice",
    "voice_application_sid": None,
    "voice_caller_id_lookup": False,
    "voice_fallback_method": "POST",
    "voice_fallback_url": None,
    "voice_method": "POST",
    "voice_url": None,
    "emergency_status": "Inactive",
    "emergency_address_sid": None,
    "emergency_address_status": "unregistered",
    "bundle_sid": None,
    "status": "in-use",
    "type": "local",
}
