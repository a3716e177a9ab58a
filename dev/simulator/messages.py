"""Messages as Twilio keeps them."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

API_VERSION = "2010-04-01"
_MOST_UNITS = 1600


def new_sid(prefix: str = "SM") -> str:
    """Return a fresh id."""
    return prefix + secrets.token_hex(16)


def is_too_long(body: str) -> bool:
    """Tell whether Twilio refuses a body for its length, which it counts in UTF-16."""
    return len(body.encode("utf-16-le")) // 2 > _MOST_UNITS


@dataclass
class Message:
    """One message in either direction."""

    account_sid: str
    direction: str
    sender: str
    to: str
    body: str
    status: str
    sid: str = field(default_factory=new_sid)
    num_media: int = 0
    media_type: str | None = None
    content: bytes = b""
    """What came with it, byte for byte."""
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    sent: datetime | None = None
    updated: datetime | None = None
    error_code: int | None = None
    status_callback: str | None = None

    def media(self) -> list[dict[str, Any]]:
        """Return the media as the API lists them."""
        if self.media_type is None:
            return []
        sid = f"ME{self.sid[2:]}"
        path = f"/{API_VERSION}/Accounts/{self.account_sid}/Messages/{self.sid}/Media/{sid}"
        at = format_datetime(self.created)
        return [
            {
                "sid": sid,
                "account_sid": self.account_sid,
                "parent_sid": self.sid,
                "content_type": self.media_type,
                "date_created": at,
                "date_updated": at,
                "uri": f"{path}.json",
            }
        ]

    def record(self) -> dict[str, Any]:
        """Return the message as the API shows it."""
        path = f"/{API_VERSION}/Accounts/{self.account_sid}/Messages/{self.sid}"
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "messaging_service_sid": None,
            "from": self.sender,
            "to": self.to,
            "body": self.body,
            "status": self.status,
            "direction": self.direction,
            "num_segments": "1",
            "num_media": str(self.num_media),
            "error_code": self.error_code,
            "error_message": None,
            "price": None,
            "price_unit": "USD",
            "date_created": format_datetime(self.created),
            "date_updated": format_datetime(self.updated or self.created),
            "date_sent": format_datetime(self.sent) if self.sent else None,
            "api_version": API_VERSION,
            "uri": f"{path}.json",
            "subresource_uris": {"media": f"{path}/Media.json"},
        }
