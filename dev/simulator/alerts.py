"""
Alerts: what Twilio writes down of webhooks that failed.

Their form is the Alerts resource of Monitor v1 as Twilio's public documentation and SDK describe it; it is not in the
trimmed documents that the other answers are measured by. In a list the request and the answer themselves are left out.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from dev.simulator.messages import API_VERSION, new_sid
from dev.simulator.services import iso

MOST = 1000
"""Alerts that an account keeps; the oldest are forgotten."""


@dataclass(frozen=True)
class Alert:
    """One alert. `http_status`: what the webhook answered, None where it did not."""

    code: int
    request_url: str
    http_status: int | None = None
    resource_sid: str | None = None
    sid: str = field(default_factory=lambda: new_sid("NO"))
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def record(self, account_sid: str) -> dict[str, Any]:
        """Return the alert as a list shows it."""
        told: dict[str, object] = {"sourceComponent": "14100", "ErrorCode": self.code, "LogLevel": "ERROR"}
        if self.http_status is not None:
            told["httpResponse"] = self.http_status
        return {
            "account_sid": account_sid,
            "alert_text": urlencode(told | {"url": self.request_url}),
            "api_version": API_VERSION,
            "date_created": iso(self.at),
            "date_generated": iso(self.at),
            "date_updated": iso(self.at),
            "error_code": str(self.code),
            "log_level": "error",
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "request_method": "POST",
            "request_url": self.request_url,
            "resource_sid": self.resource_sid,
            "service_sid": None,
            "sid": self.sid,
            "url": f"https://monitor.twilio.com/v1/Alerts/{self.sid}",
        }
