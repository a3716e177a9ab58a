"""Phones: what each shows, in the order in which it came."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from dev.simulator.messages import Message
from dev.simulator.news import News

TYPING_SECONDS = 25.0
_RANK = {"queued": 0, "sending": 1, "sent": 2, "delivered": 3, "read": 4, "failed": 5, "undelivered": 5}


@dataclass
class Shown:
    """
    A bubble. `direction` is the phone's: out was written here, in came here.

    `about`: what it is beside its text, such as a place; `reply_to`: the message that it quotes; `took`: milliseconds until
    the gateway had answered.
    """

    n: int
    sid: str
    direction: str
    body: str
    status: str
    at: float
    media: str | None = None
    http_status: int | None = None
    about: str | None = None
    reply_to: str | None = None
    took: int | None = None


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
    """All phones. `news`: told of whatever they show."""

    def __init__(self, news: News) -> None:
        self._phones: dict[str, Phone] = {}
        self._news = news

    def forget(self) -> None:
        """Empty every phone."""
        self._phones.clear()
        self._news.tell()

    def __iter__(self) -> Iterator[Phone]:
        """Return every phone."""
        return iter(self._phones.values())

    def named(self, address: str) -> Phone:
        """Return a phone; it is there as soon as somebody names it."""
        return self._phones.setdefault(address, Phone(address))

    def all(self) -> list[dict[str, Any]]:
        """Return every phone that shows something, in short; others are there only because somebody looks at them."""
        return [{"address": it.address, "messages": len(it.shown)} for it in self._phones.values() if it.shown]

    def show(self, address: str, message: Message, direction: str, **beside: Any) -> Shown:  # noqa: ANN401 - Shown's own
        """Show a message at the end of the conversation."""
        phone = self.named(address)
        n = len(phone.shown) + 1
        bubble = Shown(n, message.sid, direction, message.body, message.status, time.time(), **beside)
        phone.shown.append(bubble)
        if direction == "in":
            phone.typing_until = 0.0
        self._news.tell()
        return bubble

    def mark(self, address: str, sid: str, status: str) -> None:
        """Move the ticks of a bubble forward."""
        for bubble in self.named(address).shown:
            if bubble.sid == sid and _RANK.get(status, 0) > _RANK.get(bubble.status, 0):
                bubble.status = status
        self._news.tell()

    def revive(self, bubble: Shown) -> None:
        """Show as delivered what had failed at first."""
        if bubble.status == "failed":
            bubble.status = "delivered"
        self._news.tell()

    def type(self, address: str) -> None:
        """Show the dots, for 25 s or until a message comes."""
        self.named(address).typing_until = time.time() + TYPING_SECONDS
        self._news.tell()

    async def after(self, address: str, n: int, wait: float) -> list[dict[str, Any]]:
        """Return the bubbles behind number `n`, waiting up to `wait` seconds for the first."""
        if wait > 0:
            await self._news.until(lambda: len(self.named(address).shown) > n, wait)
        return [asdict(bubble) for bubble in self.named(address).shown[n:]]


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
