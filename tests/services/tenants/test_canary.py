"""A canary: nobody writes, and the whole path answers, from the public address to the delivery report."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import aiohttp
import pytest

from dev.embedded import free_port
from services.console.access import SCOPES, Principal
from services.console.accounts import Accounts
from services.console.api.agents import AGENTS
from services.console.api.tenants import TENANTS
from services.console.canaries import Canaries, Ran
from services.console.directory import Reconciler
from services.console.records import CANARIES as CANARY
from services.console.records import Records
from services.ingress.directory import Directory
from services.ingress.intake import Intake
from services.ingress.webhook import WebhookApp
from shared.addresses import Pepper
from shared.bus import Bus
from shared.channels.canary.outbound import Canary
from shared.channels.inbound import inbound_channels
from shared.channels.ports import Credentials
from shared.channels.whatsapp_twilio.account import Limits, WhatsAppTwilioAccount
from shared.channels.whatsapp_twilio.http import TwilioHttp
from shared.metrics import CANARY_AGE, CANARY_ANSWER
from shared.ops import serving
from shared.process import background
from shared.store.session import Store
from shared.vault import Vault
from tests.services.desk import ACCOUNT, LINE, TENANT
from tests.services.tenants.conftest import Gateway

HOUR = 3600.0
WHOLE = 30.0
"""Seconds that a whole conversation may take on a busy machine."""


@dataclass
class Watched:
    """The gateway with its public edge, and the canaries' job."""

    gateway: Gateway
    canaries: Canaries
    logins: list[Credentials] = field(default_factory=list)
    login_works: bool = True

    async def may_send(self, credentials: Credentials) -> bool:
        self.logins.append(credentials)
        return self.login_works

    async def switch(self, *, on: bool) -> None:
        await self.gateway.platform.rows("update line set canary = %s where id = %s returning 1", on, LINE)
        await self.canaries.settle()

    async def count(self, table: str) -> dict[str, int]:
        """Return how many rows each company has."""
        rows = await self.gateway.platform.rows(f"select tenant_id, count(*) from {table} group by 1")
        return {row["tenant_id"]: row["count"] for row in rows}

    async def became(self) -> dict[str, object]:
        [row] = await self.gateway.platform.rows("select * from canary")
        return row


@asynccontextmanager
async def edge(bus: Bus, url: str, port: int) -> AsyncIterator[None]:
    """Serve ingress in this process."""
    vault, stale = Vault({1: b"v" * 32}), asyncio.Event()
    directory = Directory(bus.config, vault, stale)
    await bus.config.watch(directory.changed)
    app = WebhookApp(inbound_channels(url), directory, Intake(bus, directory, vault, Pepper(b"t" * 32)))
    async with background(directory.keep_fresh()), serving(app, "127.0.0.1", port):
        yield


@pytest.fixture
async def watched(gateway: Gateway, bus: Bus, console_store: Store) -> AsyncIterator[Watched]:
    await gateway.platform.plant()
    port = free_port()
    url = f"http://127.0.0.1:{port}/webhooks/twilio"
    reconciler = Reconciler(bus, console_store, gateway.platform.vault)
    accounts = Accounts(console_store, gateway.platform.vault, reconciler)
    async with aiohttp.ClientSession() as session, edge(bus, url, port):
        twilio = WhatsAppTwilioAccount(TwilioHttp(session, None), Limits(probe=WHOLE), local=True)
        canaries = Canaries(console_store, accounts, reconciler, {"twilio/whatsapp": twilio}, url, WHOLE)
        here = Watched(gateway, canaries)
        gateway.egress.channels = {**gateway.egress.channels, "twilio/canary": Canary(here.may_send)}
        yield here


async def test_a_canary_is_answered_and_its_answer_reported_as_delivered(watched: Watched) -> None:
    """
    Its message comes in at the public address, signed; its answer is sent with the line's login, which is read instead.
    """
    await watched.switch(on=True)
    assert await watched.canaries.run() == Ran(lines=1, answered=1, stuck={})
    assert [login.account_sid for login in watched.logins] == [ACCOUNT]
    assert watched.gateway.channel.sent == []
    [part] = await watched.gateway.platform.rows("select tenant_id, state from part")
    assert part == {"tenant_id": CANARY, "state": "delivered"}
    became = await watched.became()
    assert (became["stuck_at"], became["line_id"]) == (None, LINE)


async def test_canaries_are_in_no_list_unless_they_are_asked_for(watched: Watched) -> None:
    """
    Whoever has one company still has one, and need not say which.
    """
    await watched.switch(on=True)
    everybody = Principal("key/test", None, SCOPES)
    for table in (TENANTS, AGENTS):
        records = Records(watched.canaries.store, table)
        assert {row["tenant"] for row in await records.list(everybody, None, 50)} == {TENANT}
        assert {row["tenant"] for row in await records.list(everybody, None, 50, tenant=CANARY)} == {CANARY}


async def test_a_canary_costs_no_model_and_is_in_no_companys_records(watched: Watched) -> None:
    """
    Its agent has a fixed sentence; its conversation is a company's of its own, and nobody is its lead.
    """
    await watched.switch(on=True)
    await watched.canaries.run()
    await watched.canaries.run()
    assert watched.gateway.model.told == []
    assert await watched.count("conversation") == {CANARY: 1}
    assert await watched.count("message") == {CANARY: 2}
    for table in ("lead", "daily_messages", "token_account"):
        assert await watched.count(table) == {}


async def test_no_line_has_a_canary_until_it_is_switched_on_and_none_once_it_is_off(watched: Watched) -> None:
    """
    Off, it holds on to no account, so that this can be removed.
    """
    assert await watched.canaries.run() == Ran(lines=0, answered=0, stuck={})
    await watched.switch(on=True)
    await watched.switch(on=False)
    assert await watched.canaries.run() == Ran(lines=0, answered=0, stuck={})
    kept = await watched.gateway.platform.rows("select id from line where credential_id is not null")
    assert [row["id"] for row in kept] == [LINE]


async def test_a_login_that_fails_is_told_of_as_the_stage_send(watched: Watched) -> None:
    """
    It is no dead letter: nobody misses the answer.
    """
    watched.login_works = False
    await watched.switch(on=True)
    assert await watched.canaries.run() == Ran(lines=1, answered=0, stuck={"send": 1})
    assert await watched.count("dead_letter") == {}
    assert (await watched.became())["stuck_at"] == "send"


async def test_an_address_where_nobody_answers_is_told_of_as_the_stage_accept(watched: Watched) -> None:
    """
    So is one that is not encrypted, away from this machine.
    """
    await watched.switch(on=True)
    elsewhere = replace(watched.canaries, webhook_url=f"http://127.0.0.1:{free_port()}/webhooks/twilio")
    assert await elsewhere.run() == Ran(lines=1, answered=0, stuck={"accept": 1})


async def test_a_router_that_stands_still_is_told_of_as_the_stage_route(watched: Watched) -> None:
    """
    After its patience a run ends; when the router is back, the next one is answered.
    """
    await watched.switch(on=True)
    await watched.gateway.bus.stop_consuming()
    hasty = replace(watched.canaries, patience=0.5)
    assert await hasty.run() == Ran(lines=1, answered=0, stuck={"route": 1})
    await watched.gateway.bus.consume()
    assert await watched.canaries.run() == Ran(lines=1, answered=1, stuck={})


async def test_how_long_ago_a_canary_was_answered_is_measured(watched: Watched) -> None:
    """
    A line that never was counts from when its canary was switched on; without canaries there is no number.
    """
    await watched.canaries.measure()
    assert math.isnan(CANARY_AGE._value.get())
    await watched.switch(on=True)
    await watched.gateway.platform.rows("update canary set since = now() - interval '1 hour' returning 1")
    await watched.canaries.measure()
    assert CANARY_AGE._value.get() >= HOUR
    await watched.canaries.run()
    await watched.canaries.measure()
    assert CANARY_AGE._value.get() < HOUR
    assert 0 < CANARY_ANSWER._value.get() < WHOLE
