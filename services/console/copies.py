"""The provider's copies of what a person wrote and was sent."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.console.accounts import Accounts
from services.console.records import Unknown
from shared.channels.ports import Account, Credentials, ProviderUnavailable
from shared.ids import ProviderSid
from shared.store.session import EVERY_TENANT

_AT_ONCE = 8

Copy = list[str]
"""The line that a message went over, and the provider's id of it."""


@dataclass(frozen=True)
class Copies:
    """Lets them be deleted. `providers`: by `provider/channel`."""

    accounts: Accounts
    providers: Mapping[str, Account]

    async def forget(self, copies: Iterable[Copy]) -> list[Copy]:
        """Let the provider delete its copies; return those that it did not. Of a line that is gone nothing can be."""
        by_line: dict[str, list[str]] = {}
        for line, sid in copies:
            by_line.setdefault(line, []).append(sid)
        return [[line, sid] for line, sids in by_line.items() for sid in await self._forget(line, sids)]

    async def _forget(self, line: str, sids: list[str]) -> list[str]:
        try:
            credentials, account = await self.accounts.credentials_of_line(line), await self._account(line)
        except Unknown:
            return []
        room = asyncio.Semaphore(_AT_ONCE)
        gone = await asyncio.gather(*(_deleted(account, credentials, sid, room) for sid in sids))
        return [sid for sid, is_gone in zip(sids, gone, strict=True) if not is_gone]

    async def _account(self, line: str) -> Account:
        async with self.accounts.store.connection(EVERY_TENANT) as connection:
            row = await (
                await connection.execute("select provider, channel from line where id = %s", (line,))
            ).fetchone()
        if row is None:
            raise Unknown
        return self.providers[f"{row['provider']}/{row['channel']}"]


async def _deleted(account: Account, credentials: Credentials, sid: str, room: asyncio.Semaphore) -> bool:
    async with room:
        try:
            await account.forget(credentials, provider_sid=ProviderSid(sid))
        except ProviderUnavailable:
            return False
    return True
