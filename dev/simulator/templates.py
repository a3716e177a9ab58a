"""Message templates, as the Content API keeps them, and their approval by WhatsApp."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dev.simulator.messages import new_sid
from dev.simulator.services import iso

CONTENT = "https://content.twilio.com"


@dataclass
class Approval:
    """What was asked of WhatsApp, and what it said."""

    name: str
    category: str
    status: str = "received"
    rejection_reason: str = ""


@dataclass
class Template:
    """One template. `types`: its forms by their name, such as `twilio/text`."""

    friendly_name: str
    language: str
    types: dict[str, Any]
    variables: dict[str, str]
    sid: str = field(default_factory=lambda: new_sid("HX"))
    approval: Approval | None = None
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def url(self) -> str:
        """Return its address."""
        return f"{CONTENT}/v1/Content/{self.sid}"

    def record(self, account_sid: str) -> dict[str, Any]:
        """Return the template as the API shows it."""
        approvals = f"{self.url}/ApprovalRequests"
        return {
            "date_created": iso(self.created),
            "date_updated": iso(self.created),
            "sid": self.sid,
            "account_sid": account_sid,
            "friendly_name": self.friendly_name,
            "language": self.language,
            "variables": self.variables,
            "types": self.types,
            "url": self.url,
            "links": {"approval_create": f"{approvals}/whatsapp", "approval_fetch": approvals},
        }

    def approval_record(self) -> dict[str, Any]:
        """Return where the approval stands; `unsubmitted` where it was never asked for."""
        asked = self.approval or Approval("", "", "unsubmitted")
        return {
            "name": asked.name,
            "category": asked.category,
            "content_type": next(iter(self.types), ""),
            "status": asked.status,
            "rejection_reason": asked.rejection_reason,
            "allow_category_change": True,
        }
