"""Calls to the simulator's REST API and orders of faults, as raw as they go over the wire."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from twilio.base.exceptions import TwilioRestException

from dev.simulator.testing import ACCOUNT_SID, AUTH_TOKEN, SENDER, Running
from tests.simulator.contract import Operation, problems
from tests.simulator.gateway import PERSON

BASE = f"/2010-04-01/Accounts/{ACCOUNT_SID}"
MESSAGES = f"{BASE}/Messages.json"
TYPING = "/v2/Indicators/Typing.json"


@dataclass(frozen=True)
class Twilio:
    """The account at the simulator."""

    sim: Running
    status_url: str
    auth: tuple[str, str] = (ACCOUNT_SID, AUTH_TOKEN)

    async def create(self, body: str = "Hello", *, attempt: str = "at_1", **fields: str) -> httpx2.Response:
        """Create a message; a field may be replaced."""
        callback = f"{self.status_url}?attempt={attempt}"
        form = {"To": PERSON, "From": SENDER, "Body": body, "StatusCallback": callback} | fields
        return await self.sim.api.post(MESSAGES, data=form, auth=self.auth)

    async def created(self, body: str = "Hello", **fields: str) -> str:
        """Create a message, which must be taken; return its id."""
        answer = await self.create(body, **fields)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["sid"])

    async def list(self, **query: str) -> list[dict[str, Any]]:
        answer = await self.get(MESSAGES, **query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found

    async def get(self, path: str, **query: str) -> httpx2.Response:
        return await self.sim.api.get(path, params=query or None, auth=self.auth)

    async def type(self, message_id: str, channel: str = "whatsapp") -> httpx2.Response:
        return await self.sim.api.post(TYPING, data={"messageId": message_id, "channel": channel}, auth=self.auth)

    async def order(self, kind: str, **details: Any) -> None:
        """Order a fault."""
        answer = await self.sim.api.post("/sim/faults", json={"kind": kind, **details})
        assert answer.status_code == 200, answer.text

    async def write(self, body: str = "Hello", **details: Any) -> dict[str, Any]:
        """Write a message on a phone; return how its webhook ended."""
        answer = await self.sim.api.post("/sim/messages", json={"from": PERSON, "body": body, **details})
        assert answer.status_code == 200, answer.text
        ended: dict[str, Any] = answer.json()
        return ended


def refused(answer: httpx2.Response) -> tuple[int, int]:
    """Return an error's HTTP status and code."""
    return answer.status_code, answer.json()["code"]


async def code(call: Awaitable[object]) -> tuple[int, int]:
    """Return how a call of the SDK was refused."""
    with pytest.raises(TwilioRestException) as caught:
        await call
    return caught.value.status, caught.value.code


async def in_form(twilio: Twilio, path: str, operation: Operation, **query: str) -> None:
    """Read a resource, which must be of Twilio's form."""
    answer = await twilio.get(path, **query)
    assert problems(operation, answer.json()) == []
