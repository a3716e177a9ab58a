"""The whole way of a message, router to report, with each service's own login."""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.agent.handlers import Agent
from services.agent.store import Turns
from services.egress.handlers import Egress
from services.egress.ordering import Pacing
from services.egress.reports import Reports
from services.egress.store import SendLedger
from services.router.handlers import Router
from services.router.intake import Intake
from services.router.ratelimit import RateLimit
from services.router.store import Desk
from shared.bus import Bus
from shared.events import PartReported
from shared.ids import TenantId
from shared.knowledge import Knowledge
from shared.process import background
from shared.store.presence import presence
from shared.store.session import Store
from shared.topology import AGENT, EGRESS, ROUTER, STATUS, STATUS_READER, status_subject
from tests.eventually import eventually
from tests.fakes.channel import FakeChannel, Sent
from tests.fakes.model import FakeModel, echo
from tests.services.desk import ACCOUNT, Person, Platform


@dataclass
class Gateway:
    """Router, agent and egress at work."""

    bus: Bus
    platform: Platform
    model: FakeModel
    channel: FakeChannel
    egress: Egress
    agent: Agent

    async def told(self, count: int) -> list[str]:
        """Return what was sent, once it is so many messages."""

        async def look() -> list[Sent] | None:
            return self.channel.sent if len(self.channel.sent) >= count else None

        return [sent.body for sent in await eventually(look)]

    async def reported(self, tenant: TenantId, sent: Sent, status: str) -> None:
        """Let Twilio report on a message to the line of this tenant."""
        event = PartReported(
            tenant=tenant,
            attempt=sent.attempt,
            account_sid=ACCOUNT,
            provider_sid=sent.sid,
            status=status,
            error_code=None,
            reported_at=datetime.now(UTC),
        )
        await self.bus.publish(STATUS, status_subject(tenant), event, message_id=f"{sent.sid}:{status}")

    async def states(self, *wanted: str) -> list[dict[str, Any]]:
        """Return the parts, once they are in these states."""

        async def look() -> list[dict[str, Any]] | None:
            rows = await self.platform.rows("select tenant_id, state from part order by id")
            return rows if tuple(row["state"] for row in rows) == wanted else None

        return await eventually(look)

    def person(self, **more: Any) -> Person:
        return Person(self.bus, self.platform.vault, **more)


@pytest.fixture
async def gateway(  # noqa: PLR0917 - a login for each service
    bus: Bus, platform: Platform, router_store: Store, agent_store: Store, egress_store: Store, database_url: str
) -> AsyncIterator[Gateway]:
    vault, pepper, channel, model = platform.vault, platform.pepper, FakeChannel(deque()), FakeModel(echo)
    async with presence(database_url) as one, presence(database_url) as other:
        intake = Intake(RateLimit(100, 60.0), timedelta(seconds=20))
        router = Router(bus, Desk(router_store, vault, pepper), intake, vault)
        agent = Agent(bus, Turns(agent_store, vault, one, 20), model, Knowledge(agent_store), 5, 60.0)
        ledger, channels = SendLedger(egress_store, vault, other), {"twilio/whatsapp": channel}
        egress = Egress(bus, ledger, Reports(egress_store), channels, Pacing(0.05), (0.1, 0.2, 0.3))
        bus.on(ROUTER, router.on_inbound, workers=4)
        bus.on(AGENT, agent.on_turn_requested, workers=4)
        bus.on(EGRESS, egress.on_reply_ready, workers=4)
        bus.on(STATUS_READER, egress.on_part_reported, workers=4)
        await bus.consume()
        async with background(agent.threads.sweep(), egress.threads.sweep()):
            yield Gateway(bus, platform, model, channel, egress, agent)
        await bus.stop_consuming()
        for it in (agent, egress):
            await it.threads.end(0)
