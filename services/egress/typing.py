"""The typing dots: a turn runs, so the person sees it. Best effort; a failure delays nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.channels.ports import Outbound
from shared.events import TurnRunning
from shared.ids import ProviderSid
from shared.store.credentials import CREDENTIAL, credentials
from shared.store.session import Store
from shared.telemetry import TYPING_FAILED, log
from shared.vault import Vault

_NEWEST = f"""
select line.channel, line.provider, last_provider_sid, {CREDENTIAL}
from thread join line on line.id = thread.line_id join credential on credential.id = line.credential_id
where key = %s and done_seq < asked_seq
"""  # noqa: S608 - constants


@dataclass(frozen=True)
class TypingDots:
    """The collaborators."""

    store: Store
    vault: Vault
    channels: Mapping[str, Outbound]

    async def on_turn_running(self, event: TurnRunning) -> None:
        """Show the dots under the thread's newest message."""
        rows = await self.store.rows(_NEWEST, (event.thread,), event.tenant)
        if not rows or rows[0]["last_provider_sid"] is None:
            return
        row = rows[0]
        await self.store.keys_at_hand(row["holder"])
        channel = self.channels[f"{row['provider']}/{row['channel']}"]
        newest = ProviderSid(row["last_provider_sid"])
        if not await channel.typing(credentials(self.vault, row), provider_sid=newest):
            log.info(TYPING_FAILED, thread=event.thread)
