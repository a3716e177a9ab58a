"""A provider's account without a network: it lists what the test put there."""

from dataclasses import dataclass, field
from datetime import datetime

from shared.channels.ports import Credentials, InboundMessage, ProviderUnavailable, Received
from shared.ids import Address, ProviderSid


def written(sid: ProviderSid, sender: Address, to: Address, text: str, at: datetime) -> Received:
    """Return a message as the provider lists it."""
    message = InboundMessage(
        provider_sid=sid,
        sender=sender,
        to=to,
        user_id=None,
        phone=sender,
        profile_name="",
        text=text,
        num_media=0,
        params={},
    )
    return Received(message, at)


@dataclass
class FakeAccount:
    """`works`: whether it can be asked."""

    messages: list[Received] = field(default_factory=list)
    works: bool = True
    asked: list[datetime] = field(default_factory=list)

    async def received(self, credentials: Credentials, *, to: Address, since: datetime) -> list[Received]:
        self.asked.append(since)
        if not self.works:
            raise ProviderUnavailable("TimeoutError")
        mine = [one for one in self.messages if one.message.to == to and one.at >= since]
        return sorted(mine, key=lambda one: one.at)
