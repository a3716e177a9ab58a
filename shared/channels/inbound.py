"""The registry of receivers. A channel adds one line."""

from collections.abc import Mapping

from shared.channels.ports import Inbound
from shared.channels.whatsapp_twilio.inbound import WhatsAppTwilioInbound


def inbound_channels(twilio_webhook_url: str) -> Mapping[str, Inbound]:
    """Return every channel's receiver by provider: the segment after `/webhooks/`."""
    return {"twilio": WhatsAppTwilioInbound(twilio_webhook_url)}
