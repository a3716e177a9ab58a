"""The registry of accounts: what can be asked of providers. A channel adds one line."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from shared.channels.ports import Account
from shared.channels.whatsapp_twilio.account import open_account


@asynccontextmanager
async def open_accounts(twilio_api_base: str | None, *, local: bool = False) -> AsyncIterator[Mapping[str, Account]]:
    """Open every channel's account, by `provider/channel`, for the length of the block. `local`: all is on one machine."""
    async with open_account(twilio_api_base, local=local) as whatsapp_twilio:
        yield {"twilio/whatsapp": whatsapp_twilio}
