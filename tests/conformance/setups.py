"""Accounts whose set-up a test can spoil by name: the fake, and the adapter before the simulator."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from dev.simulator.accounts import Account as SimulatedAccount
from dev.simulator.conditions import seed
from dev.simulator.lines import Hook
from dev.simulator.testing import ACCOUNT_SID, AUTH_TOKEN, Running, simulator
from shared.channels.line_setup import Connection, ConnectionTest, Webhooks
from shared.channels.ports import Account, Credentials
from shared.channels.whatsapp_twilio.account import Limits, WhatsAppTwilioAccount
from shared.channels.whatsapp_twilio.client import open_http
from shared.ids import AccountSid, Address
from tests.fakes.account import FakeAccount

PUBLIC_URL = "https://gateway.example.org/hooks/twilio"
WEBHOOK_URL = f"{PUBLIC_URL}#rc=5&rp=5xx,ct,rt&ct=2000&rt=4000&tt=15000"
WHATSAPP, SMS = Address("whatsapp:+15005550010"), Address("+15005550011")
FRIENDLY_NAME = "Trunkline simulator"
ELSEWHERE = Webhooks("https://elsewhere.example.org/in")
LIMITS = Limits(test=2.0, inspection=10.0, settling=10.0)


class Setup(Protocol):
    """An account, and what can be wrong with it."""

    @property
    def account(self) -> Account:
        """Return the port."""

    @property
    def wanted(self) -> Webhooks:
        """Return what lines should be set to."""

    def spoil(self, condition: str, sender: Address = WHATSAPP) -> tuple[Credentials, Address]:
        """Seed a condition of `dev/simulator/conditions.py`; return what to look with, and at."""

    def known(self, sender: Address) -> Webhooks | None:
        """Return what the provider holds of a line, whatever the port says."""


@dataclass
class FakeSetup:
    """The fake."""

    account: FakeAccount

    @property
    def wanted(self) -> Webhooks:
        return self.account.webhooks(PUBLIC_URL)

    def spoil(self, condition: str, sender: Address = WHATSAPP) -> tuple[Credentials, Address]:
        ends = {
            "wrong_token": Connection.INVALID_CREDENTIALS,
            "api_key_only": Connection.API_KEY,
            "rate_limited": Connection.RATE_LIMITED,
        }
        outcome = ends.get(condition, Connection.OK)
        self.account.works = condition != "network_down"
        self.account.connection = ConnectionTest(outcome, FRIENDLY_NAME if outcome is Connection.OK else None)
        if condition != "sender_missing":
            self.account.lines[sender] = ELSEWHERE if condition == "webhook_elsewhere" else self.wanted
        return Credentials(AccountSid(ACCOUNT_SID), AUTH_TOKEN), sender

    def known(self, sender: Address) -> Webhooks | None:
        return self.account.lines.get(sender)


@dataclass
class SimulatedSetup:
    """The adapter before the simulator."""

    account: WhatsAppTwilioAccount
    impatient: WhatsAppTwilioAccount
    """Waits for nothing to settle."""
    sim: Running

    @property
    def wanted(self) -> Webhooks:
        return self.account.webhooks(WEBHOOK_URL)

    def spoil(self, condition: str, sender: Address = WHATSAPP) -> tuple[Credentials, Address]:
        told = seed(self.sim.world, condition, sender)
        key_sid = told["user"] if told["user"] != told["account_sid"] else ""
        return Credentials(AccountSid(told["account_sid"]), told["secret"], key_sid), Address(told["sender"])

    def known(self, sender: Address) -> Webhooks | None:
        line = self.sim.world.accounts.first.line(sender)
        return _webhooks(line.hook) if line else None

    def branch(self, sender: Address, hook: Hook) -> SimulatedAccount:
        """Make a subaccount with a line."""
        first = self.sim.world.accounts.first
        made = self.sim.world.accounts.add(SimulatedAccount(friendly_name="Branch office", owner_sid=first.sid))
        made.add(sender, hook)
        return made

    def writes(self) -> int:
        """Return how often something was written at Twilio."""
        return len([it for it in self.sim.world.wire.entries if it.method == "POST"])


@asynccontextmanager
async def simulated() -> AsyncIterator[SimulatedSetup]:
    """Run a simulator for the length of the block."""
    async with simulator(WEBHOOK_URL, "http://127.0.0.1:9") as sim, open_http(sim.url) as http:
        sim.world.pace = 0.2
        account, impatient = (WhatsAppTwilioAccount(http, limits) for limits in (LIMITS, replace(LIMITS, settling=0.3)))
        yield SimulatedSetup(account, impatient, sim)


def _webhooks(hook: Hook) -> Webhooks:
    return Webhooks(
        hook.callback_url,
        hook.fallback_url,
        hook.status_callback_url,
        hook.callback_method,
        hook.fallback_method,
        hook.status_callback_method,
    )
