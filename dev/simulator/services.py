"""Messaging Services: pools of senders whose own address may govern what people write to them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dev.simulator.lines import MESSAGING, Number, Sender, Target, target
from dev.simulator.messages import new_sid


def iso(at: datetime) -> str:
    """Return a time as Twilio's newer interfaces write it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Service:
    """One service, as Messaging v1 keeps it."""

    friendly_name: str
    inbound_request_url: str | None = None
    """Where inbound messages go; None: they are dropped, and not even logged."""
    use_inbound_webhook_on_number: bool = False
    """Whether the sender's own webhook is called instead."""
    inbound_method: str = "POST"
    fallback_url: str | None = None
    fallback_method: str = "POST"
    status_callback: str | None = None
    sid: str = field(default_factory=lambda: new_sid("MG"))
    senders: dict[str, Sender] = field(default_factory=dict)
    numbers: dict[str, Number] = field(default_factory=dict)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    def target(self, path: str) -> Target | None:
        """Return who is told of messages, None where nobody is. `path`: goes behind the addresses."""
        return target(self.inbound_request_url, self.inbound_method, self.fallback_url, self.fallback_method, path)

    def holds(self, address: str) -> bool:
        """Tell whether a sender's or number's address is in the pool."""
        held = [*(it.sender_id for it in self.senders.values()), *(it.phone_number for it in self.numbers.values())]
        return address in held

    def record(self, account_sid: str) -> dict[str, Any]:
        """Return the service as the API shows it."""
        url = f"{MESSAGING}/v1/Services/{self.sid}"
        parts = ("phone_numbers", "short_codes", "alpha_senders", "messages", "us_app_to_person")
        return {
            "sid": self.sid,
            "account_sid": account_sid,
            "friendly_name": self.friendly_name,
            "date_created": iso(self.created),
            "date_updated": iso(self.created),
            "inbound_request_url": self.inbound_request_url,
            "inbound_method": self.inbound_method,
            "fallback_url": self.fallback_url,
            "fallback_method": self.fallback_method,
            "status_callback": self.status_callback,
            "sticky_sender": True,
            "mms_converter": True,
            "smart_encoding": False,
            "scan_message_content": "inherit",
            "fallback_to_long_code": False,
            "area_code_geomatch": False,
            "synchronous_validation": False,
            "validity_period": 36000,
            "url": url,
            "links": {part: f"{url}/{''.join(word.capitalize() for word in part.split('_'))}" for part in parts},
            "usecase": "undeclared",
            "us_app_to_person_registered": False,
            "use_inbound_webhook_on_number": self.use_inbound_webhook_on_number,
        }

    def sender_record(self, account_sid: str, sender: Sender) -> dict[str, Any]:
        """Return a sender as a member of the pool."""
        return {
            "account_sid": account_sid,
            "messaging_service_sid": self.sid,
            "sid": sender.sid,
            "sender": sender.sender_id,
            "sender_type": "WhatsApp",
            "country_code": "US",
            "date_created": iso(self.created),
            "date_updated": iso(self.created),
            "url": f"{MESSAGING}/v1/Services/{self.sid}/ChannelSenders/{sender.sid}",
        }

    def number_record(self, account_sid: str, number: Number) -> dict[str, Any]:
        """Return a number as a member of the pool. Its form is the SDK's: the trimmed documents leave it out."""
        return {
            "sid": number.sid,
            "account_sid": account_sid,
            "service_sid": self.sid,
            "date_created": iso(self.created),
            "date_updated": iso(self.created),
            "phone_number": number.phone_number,
            "country_code": "US",
            "capabilities": ["SMS", "MMS", "Voice"] if number.has_sms else ["Voice"],
            "url": f"{MESSAGING}/v1/Services/{self.sid}/PhoneNumbers/{number.sid}",
        }
