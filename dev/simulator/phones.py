"""Phones: what each shows, in the order in which it came."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from dev.simulator.messages import Message

TYPING_SECONDS = 25.0
_RANK = {"queued": 0, "sending": 1, "sent": 2, "delivered": 3, "read": 4, "failed": 5, "undelivered": 5}


@dataclass
class Shown:
    """A bubble. `direction` is the phone's: out was written here, in came here."""

    n: int
    sid: str
    direction: str
    body: str
    status: str
    at: float
    media: str | None = None
    http_status: int | None = None


@dataclass
class Phone:
    """One phone and its conversation."""

    address: str
    shown: list[Shown] = field(default_factory=list)
    typing_until: float = 0.0

    @property
    def is_typing(self) -> bool:
        """Tell whether the dots are shown."""
        return time.time() < self.typing_until


class Phones:
    """All phones, and a signal for whoever waits for news."""

    def __init__(self) -> None:
        self._phones: dict[str, Phone] = {}
        self._news = asyncio.Condition()
        self.version = time.time_ns() // 1_000_000
        """Grows with every news, over a restart too: who has seen this version has missed nothing before it."""

    async def forget(self) -> None:
        """Empty every phone."""
        self._phones.clear()
        await self.tell()

    def named(self, address: str) -> Phone:
        """Return a phone; it is there as soon as somebody names it."""
        return self._phones.setdefault(address, Phone(address))

    def all(self) -> list[dict[str, Any]]:
        """Return every phone in short."""
        return [{"address": phone.address, "messages": len(phone.shown)} for phone in self._phones.values()]

    async def show(self, address: str, message: Message, direction: str, media: str | None = None) -> Shown:
        """Show a message at the end of the conversation."""
        phone = self.named(address)
        bubble = Shown(len(phone.shown) + 1, message.sid, direction, message.body, message.status, time.time(), media)
        phone.shown.append(bubble)
        if direction == "in":
            phone.typing_until = 0.0
        await self.tell()
        return bubble

    async def mark(self, address: str, sid: str, status: str) -> None:
        """Move the ticks of a bubble forward."""
        for bubble in self.named(address).shown:
            if bubble.sid == sid and _RANK.get(status, 0) > _RANK.get(bubble.status, 0):
                bubble.status = status
        await self.tell()

    async def type(self, address: str) -> None:
        """Show the dots, for 25 s or until a message comes."""
        self.named(address).typing_until = time.time() + TYPING_SECONDS
        await self.tell()

    async def tell(self) -> None:
        """Wake everybody who waits."""
        async with self._news:
            self.version += 1
            self._news.notify_all()

    async def after(self, address: str, n: int, wait: float) -> list[dict[str, Any]]:
        """Return the bubbles behind number `n`, waiting up to `wait` seconds for the first."""
        if wait > 0:
            await self._until(lambda: len(self.named(address).shown) > n, wait)
        return [asdict(bubble) for bubble in self.named(address).shown[n:]]

    async def change(self, since: int | None, wait: float) -> None:
        """Wait for news that version `since` has not seen, up to `wait` seconds."""
        seen = self.version if since is None else since
        await self._until(lambda: self.version != seen, wait)

    async def _until(self, true: Callable[[], bool], wait: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(wait), self._news:
                await self._news.wait_for(true)


def address_of(raw: str) -> str:
    """Return a phone's address: a number or a user id, with `whatsapp:` in front."""
    bare = raw.strip().removeprefix("whatsapp:")
    return f"whatsapp:{bare}"


def user_id_of(address: str) -> str:
    """Return the user id that WhatsApp has for this phone and business: always the same one."""
    bare = address.removeprefix("whatsapp:")
    if not bare.startswith("+"):
        return address
    digits = str(int(hashlib.sha256(bare.encode()).hexdigest(), 16))[:20]
    return f"whatsapp:US.{digits}"
