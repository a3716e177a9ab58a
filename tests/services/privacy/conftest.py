"""A gateway at work, the jobs of the console beside it, and a hand that turns the clock."""

from collections.abc import Sequence
from typing import Any

import pytest

from services.console.access import SCOPES, Principal
from services.console.accounts import Accounts
from services.console.copies import Copies
from services.console.directory import Reconciler
from services.console.erasure import Erasures
from services.console.exports import Exports
from services.console.privacy import Privacy
from services.console.retention import Retention
from services.console.streams import PersonsStreams
from shared.bus import Bus
from shared.store.sealed import ATTEMPT_RESULT, TOOL_RESULT
from shared.store.session import Store
from tests.eventually import eventually
from tests.fakes.account import FakeAccount
from tests.services.desk import Person, Platform
from tests.services.tenants.conftest import Gateway, gateway

__all__ = ["gateway"]

ADMIN = Principal("key/test", None, SCOPES)

_TIMES = {
    "contact": ("created_at",),
    "thread": ("last_inbound_at", "created_at", "burst_at"),
    "conversation": ("opened_at", "closed_at"),
    "message": ("received_at", "routed_at"),
    "turn": ("started_at", "finished_at"),
    "tool_call": ("created_at",),
    "tool_attempt": ("begun_at", "ended_at"),
    "form_submission": ("created_at",),
    "reply": ("received_at", "created_at"),
    "part": ("accepted_at", "created_at"),
    "attempt": ("started_at", "ended_at"),
    "status_event": ("reported_at", "stored_at"),
    "lead": ("first_seen", "last_seen"),
    "dead_letter": ("created_at", "settled_at"),
}


class Town:
    """A gateway, with what a test needs of it."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.platform: Platform = gateway.platform
        self.rows = gateway.platform.rows

    def person(self, number: str = "+15550001", **more: Any) -> Person:
        return self.gateway.person(number=number, **more)

    async def says(self, person: Person, text: str, files: Sequence[str] = ()) -> None:
        """Write, and wait until the answer was sent, was reported as delivered, and nothing is left to do."""
        before = len(self.gateway.channel.sent)
        await person.writes(text, sent=files)
        await self.gateway.told(before + 1)
        await self.idle()
        for sent in self.gateway.channel.sent[before:]:
            await self.gateway.reported(person.tenant, sent, "delivered")
        await self.until("select 1 from part having bool_and(state = 'delivered')")
        await self.idle()

    async def idle(self) -> None:
        """Wait until nothing is asked, queued or scheduled."""
        await self.until("select 1 from thread having bool_and(done_seq >= asked_seq and send_at is null)")
        await self.until("select 1 where not exists (select 1 from reply where state in ('open', 'cut'))")

    async def until(self, query: str, *values: Any) -> list[dict[str, Any]]:
        async def look() -> list[dict[str, Any]]:
            return await self.rows(query, *values)

        return await eventually(look)

    async def pass_days(self, days: float) -> None:
        """Let everything that is in the tables be so much older."""
        for table, columns in _TIMES.items():
            older = ", ".join(f"{column} = {column} - {days} * interval '1 day'" for column in columns)
            await self.rows(f"update {table} set {older} returning 1")

    async def acted(self) -> None:
        """Let every tool call have been one with a side effect, which is written down twice."""
        vault = self.platform.vault
        for row in await self.rows("select * from tool_call where sealed_result is not null"):
            where = row["tenant_id"], row["turn_id"], row["call"]
            sealed = vault.seal(vault.open(row["sealed_result"], TOOL_RESULT.at(*where)), ATTEMPT_RESULT.at(*where))
            await self.rows(
                "insert into tool_attempt (tenant_id, turn_id, call, name, sealed_result, ended_at)"
                " values (%s, %s, %s, 'book', %s, now()) on conflict do nothing returning 1",
                *where,
                sealed,
            )

    async def count(self, table: str, condition: str = "true") -> int:
        [row] = await self.rows(f"select count(*) as n from {table} where {condition}")
        return int(row["n"])


@pytest.fixture
async def town(gateway: Gateway) -> Town:
    await gateway.platform.plant()
    return Town(gateway)


@pytest.fixture
def privacy(console_store: Store) -> Privacy:
    return Privacy(console_store)


@pytest.fixture
def retention(console_store: Store) -> Retention:
    return Retention(console_store)


@pytest.fixture
def twilio() -> FakeAccount:
    return FakeAccount()


@pytest.fixture
def erasures(console_store: Store, bus: Bus, platform: Platform, twilio: FakeAccount) -> Erasures:
    accounts = Accounts(console_store, platform.vault, Reconciler(bus, console_store, platform.vault))
    streams = PersonsStreams(bus, console_store)
    return Erasures(console_store, platform.pepper, streams, Copies(accounts, {"twilio/whatsapp": twilio}))


@pytest.fixture
def exports(console_store: Store, platform: Platform) -> Exports:
    return Exports(console_store, platform.vault)
