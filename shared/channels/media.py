"""The registry of media sources. A channel whose people send more than text adds one line."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from shared.channels.ports import Media
from shared.channels.whatsapp_twilio.media import open_media as open_whatsapp_twilio


@asynccontextmanager
async def open_media(twilio_api_base: str | None, *, local: bool = False) -> AsyncIterator[Mapping[str, Media]]:
    """Open every channel's source, by `provider/channel`, for the length of the block. `local`: all is on one machine."""
    async with open_whatsapp_twilio(twilio_api_base, local=local) as whatsapp_twilio:
        yield {"twilio/whatsapp": whatsapp_twilio}
