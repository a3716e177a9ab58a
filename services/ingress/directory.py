"""
Accounts and lines in memory, from the bucket CONFIG: what ingress knows without a database.

Changes arrive as they are written. Since such an announcement may be missed, everything is read again after each
reconnection and every minute, and what is not found is asked for once.
"""

import asyncio
from typing import Protocol

from pydantic import ValidationError

from shared.bus import BusUnavailable
from shared.directory import (
    ACCOUNT_PREFIX,
    LINE_PREFIX,
    AccountEntry,
    LineEntry,
    account_key,
    line_key,
    open_entry,
)
from shared.failures import GatewayError
from shared.ids import AccountSid, LineId
from shared.telemetry import CONFIG_LOADED, CONFIG_UNREADABLE, log
from shared.vault import Vault

_REFRESH = 60.0
_AGAIN = 0.5
_LOAD_LIMIT = 10.0
_ASK_LIMIT = 1.0
_MOST_QUESTIONS = 8
"""Questions to the server at a time: what strangers make up shall not become load."""

Entry = AccountEntry | LineEntry


class Bucket(Protocol):
    """What the directory is read from."""

    async def get(self, key: str) -> bytes | None:
        """Return a value, None where there is none."""

    async def all(self) -> dict[str, bytes]:
        """Return every value by key."""


class Directory:
    """The copy. `keep_fresh` has to run beside whoever asks; setting `stale` has everything read again."""

    def __init__(self, bucket: Bucket, vault: Vault, stale: asyncio.Event) -> None:
        self._bucket = bucket
        self._vault = vault
        self._entries: dict[str, Entry] = {}
        self._lines: dict[LineId, LineEntry] = {}
        self._changed: set[str] = set()
        self._stale = stale
        self._questions = asyncio.Semaphore(_MOST_QUESTIONS)
        self.loaded = False

    async def account(self, sid: AccountSid) -> AccountEntry | None:
        """Return an account. Raises `BusUnavailable` when it is not known here and cannot be asked for."""
        key = account_key(sid)
        found = self._entries.get(key) or await self._ask(key)
        return found if isinstance(found, AccountEntry) else None

    async def line(self, sid: AccountSid, to: str) -> LineEntry | None:
        """Return the line that answers `to`. Raises `BusUnavailable` likewise."""
        key = line_key(sid, to)
        found = self._entries.get(key) or await self._ask(key)
        return found if isinstance(found, LineEntry) else None

    def named(self, line: LineId) -> LineEntry | None:
        """Return a line by its id. Raises `BusUnavailable` as long as nothing has been read."""
        if not self.loaded:
            raise BusUnavailable("not loaded")
        return self._lines.get(line)

    def is_ours(self, sid: AccountSid, address: str) -> bool:
        """Tell whether one of the account's lines has this address."""
        return line_key(sid, address) in self._entries

    async def changed(self, key: str, value: bytes) -> None:
        """Take over a write of the bucket; an empty value is a deletion."""
        self._changed.add(key)
        if not value:
            self._entries.pop(key, None)
        elif entry := self._open(key, value):
            self._entries[key] = entry
        self._index()

    async def keep_fresh(self) -> None:
        """Read everything now, every minute, and when told that it may be stale. Runs until cancelled."""
        while True:
            self._stale.clear()
            pause = _REFRESH if await self._refresh() else _AGAIN
            try:
                async with asyncio.timeout(pause):
                    await self._stale.wait()
            except TimeoutError:
                continue

    async def check(self) -> str | None:
        """Readiness: read at least once."""
        return None if self.loaded else "not loaded"

    async def _refresh(self) -> bool:
        self._changed.clear()
        try:
            async with asyncio.timeout(_LOAD_LIMIT):
                values = await self._bucket.all()
        except Exception as error:  # noqa: BLE001 - whatever the client raises: it is tried again
            log.warning(CONFIG_UNREADABLE, reason=type(error).__name__)
            return False
        fresh = {
            key: entry for key, value in values.items() if (entry := self._open(key, value) or self._entries.get(key))
        }
        for key in self._changed:  # written while we read: what was announced is newer
            fresh.pop(key, None)
            if key in self._entries:
                fresh[key] = self._entries[key]
        self._entries = fresh
        self._index()
        if not self.loaded:
            log.info(CONFIG_LOADED, entries=len(fresh))
        self.loaded = True
        return True

    async def _ask(self, key: str) -> Entry | None:
        if self._questions.locked():
            return None
        async with self._questions:
            try:
                async with asyncio.timeout(_ASK_LIMIT):
                    value = await self._bucket.get(key)
            except Exception as error:
                raise BusUnavailable(type(error).__name__) from error
        entry = self._open(key, value) if value else None
        if entry is not None:
            self._entries[key] = entry
            self._index()
        return entry

    def _open(self, key: str, value: bytes) -> Entry | None:
        if not key.startswith((ACCOUNT_PREFIX, LINE_PREFIX)):
            return None
        try:
            return open_entry(self._vault, key, value)
        except (GatewayError, ValidationError) as error:
            log.error(CONFIG_UNREADABLE, key=key, reason=type(error).__name__)
            return None

    def _index(self) -> None:
        self._lines = {entry.line: entry for entry in self._entries.values() if isinstance(entry, LineEntry)}
