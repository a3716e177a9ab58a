"""A channel without a network: it takes parts, and does what the test tells it to."""

import secrets
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from shared.channels.ports import Accepted, Credentials, Listed, Outcome, Refused, Unknown
from shared.channels.whatsapp_twilio import codes
from shared.failures import SendFailure
from shared.ids import Address, AttemptId, ProviderSid


@dataclass(frozen=True)
class Sent:
    """What the channel was asked to send."""

    to: Address
    body: str
    attempt: AttemptId
    sid: ProviderSid


@dataclass
class FakeChannel:
    """Each entry of `script` answers one send: a code refuses, `lost` takes it and stays silent, `dropped` does not take it."""

    script: deque[int | str] = field(default_factory=deque)
    sent: list[Sent] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    listing_works: bool = True
    lists: int = 0
    typed: list[ProviderSid] = field(default_factory=list)
    window: timedelta | None = timedelta(hours=24)

    def render(self, markdown: str, sources: Sequence[str], *, limit: int, truncated: bool) -> list[str]:
        """Cut at bars, so that tests say where parts begin; sources stand in brackets behind."""
        return [piece for piece in (markdown + "".join(f" [{name}]" for name in sources)).split("|") if piece]

    async def send(
        self, credentials: Credentials, *, sender: Address, to: Address, body: str, attempt: AttemptId
    ) -> Outcome:
        self.tried.append(body)
        told = self.script.popleft() if self.script else "ok"
        if isinstance(told, int):
            return Refused(codes.failure(told), told, 429 if told == 20429 else 400)
        if told == "dropped":
            return Unknown("reset")
        sid = ProviderSid("SM" + secrets.token_hex(16))
        self.sent.append(Sent(to, body, attempt, sid))
        return Unknown("time-out") if told == "lost" else Accepted(sid, 201)

    async def find_sent(
        self, credentials: Credentials, *, sender: Address, to: Address, since: datetime
    ) -> list[Listed] | None:
        self.lists += 1
        if not self.listing_works:
            return None
        return [Listed(it.sid, it.body, "sent", None, datetime.now(UTC)) for it in self.sent if it.to == to]

    async def typing(self, credentials: Credentials, *, provider_sid: ProviderSid) -> bool:
        self.typed.append(provider_sid)
        return True

    def failure(self, code: int) -> SendFailure:
        return codes.failure(code)

    @property
    def bodies(self) -> list[str]:
        return [it.body for it in self.sent]
