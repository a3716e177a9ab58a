"""The registry of senders. A channel adds one line; images without it stay lean."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from shared.channels.canary.addresses import CHANNEL as CANARY
from shared.channels.canary.outbound import Canary
from shared.channels.ports import Outbound
from shared.channels.web.addresses import CHANNEL, PROVIDER
from shared.channels.web.outbound import WebChat
from shared.channels.whatsapp_twilio.outbound import open_outbound


@asynccontextmanager
async def open_channels(twilio_webhook_url: str, twilio_api_base: str | None) -> AsyncIterator[Mapping[str, Outbound]]:
    """Open every channel's sender, by `provider/channel`, for the length of the block."""
    async with open_outbound(twilio_webhook_url, twilio_api_base) as whatsapp_twilio:
        yield {
            "twilio/whatsapp": whatsapp_twilio,
            f"{PROVIDER}/{CHANNEL}": WebChat(),
            f"twilio/{CANARY}": Canary(whatsapp_twilio.may_send),
        }
