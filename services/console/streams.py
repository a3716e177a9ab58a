"""What the streams hold of a person: bodies of messages in INBOUND, and hints that name their threads."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from services.console.person import Thread
from shared.bus import Bus, Stored
from shared.events import InboundReceived
from shared.ids import Sequence, new_id
from shared.store.session import EVERY_TENANT, Store
from shared.topology import (
    EVT,
    INBOUND,
    OUT,
    TURN,
    inbound_settled_subject,
    inbound_subject,
    out_subject,
    turn_interrupted_subject,
    turn_running_subject,
    turn_schedule_subject,
    turn_subject,
)

_EVERY_ONE = 1 << 31

_KNOWN = """
insert into message (id, tenant_id, line_id, account_sid, provider_sid, seq, outcome, received_at)
values (%s, %s, %s, %s, %s, 0, 'erased', %s) on conflict do nothing
"""


@dataclass(frozen=True)
class PersonsStreams:
    """Empties them."""

    bus: Bus
    store: Store

    async def newest(self) -> Sequence:
        """Return the newest message that is in INBOUND by now, whoever wrote it. Raises BusUnavailable."""
        return await self.bus.last_seq(INBOUND)

    async def empty(self, threads: Iterable[Thread]) -> None:
        """Overwrite a person's messages and drop the hints of their threads. Raises BusUnavailable."""
        for thread in threads:
            subject = inbound_subject(thread.tenant, thread.key)
            async for stored in self.bus.read_forward(INBOUND, subject, Sequence(0), thread.upto, _EVERY_ONE):
                if thread.only is None or stored.seq in thread.only:
                    await self._know_again(stored)
                    await self.bus.erase(INBOUND, stored.seq)
            for stream, name in (
                (TURN, turn_subject),
                (TURN, turn_schedule_subject),
                (OUT, out_subject),
                (EVT, inbound_settled_subject),
                (EVT, turn_running_subject),
                (EVT, turn_interrupted_subject),
            ):
                await self.bus.purge(stream, name(thread.tenant, thread.key))

    async def _know_again(self, stored: Stored) -> None:
        """Keep the provider's id of a message that nobody has taken in yet: gap-fill would bring it back."""
        try:
            event = InboundReceived.decode(stored.body)
        except ValidationError:
            return
        values = (event.tenant, event.line, event.account_sid, event.provider_sid, event.received_at)
        async with self.store.connection(EVERY_TENANT) as connection:
            await connection.execute(_KNOWN, (new_id("msg"), *values))
