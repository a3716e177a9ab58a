"""An auth token, and the key that seals all others, are rotated while people write: in the order of the procedures."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from dev.simulator.signer import sign
from tests.eventually import SELDOM, eventually
from tests.journeys.stack import Stack

SENDER = "whatsapp:+15005550077"
SERVICES = ("ingress", "router", "agent", "egress", "console")
PHASE = 50
"""Genuine webhooks before each step, and behind the last."""


@dataclass
class Traffic:
    """
    People who write to one line, each once, `per_second`; every 25th message is forged on the way.

    `genuine`, `forged`: how each phone's webhook was answered; None where nobody took it in time, which refuses nothing: on a
    busy machine a few are left to gap-fill.
    """

    simulator: httpx2.AsyncClient
    per_second: int
    line: str = SENDER
    genuine: dict[str, int | None] = field(default_factory=dict)
    forged: dict[str, int | None] = field(default_factory=dict)
    next_beat: asyncio.TimerHandle = field(init=False)

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        """Write for the length of the block, and wait at its end until everything is answered."""
        async with asyncio.TaskGroup() as people:
            self._beat(people, asyncio.get_running_loop().time(), 1)
            try:
                yield
            finally:
                self.next_beat.cancel()

    def _beat(self, people: asyncio.TaskGroup, began: float, n: int) -> None:
        people.create_task(self._forge() if n % 25 == 0 else self._write(self.genuine, _phone()))
        again = began + n / self.per_second
        self.next_beat = asyncio.get_running_loop().call_at(again, self._beat, people, began, n + 1)

    async def phase(self) -> None:
        """Wait until so many more have been answered, and a forged one among them."""
        genuine, forged = len(self.genuine), len(self.forged)

        async def enough() -> bool:
            return len(self.genuine) >= genuine + PHASE and len(self.forged) > forged

        await eventually(enough, 60)

    async def _forge(self) -> None:
        phone = _phone()
        order = {"kind": "bad_signature", "match": {"to": f"whatsapp:{phone}"}}
        (await self.simulator.post("/sim/faults", json=order)).raise_for_status()
        await self._write(self.forged, phone)

    async def _write(self, answers: dict[str, int | None], phone: str) -> None:
        answer = await self.simulator.post("/sim/messages", json={"from": phone, "to": self.line, "body": "/help"})
        answers[phone] = answer.json()["status"]


def _people(simulator_url: str) -> httpx2.AsyncClient:
    """Return a client for any number of people at once; none waits on a connection that the simulator is about to close."""
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx2.AsyncClient(base_url=simulator_url, timeout=60, trust_env=False, limits=limits)


def _phone() -> str:
    return f"+1777{secrets.randbelow(10**7):07d}"


async def _signed_with(token: str, url: str, account: str) -> int:
    """Post a message that this token signs, and return the answer's status."""
    form = {
        "AccountSid": account,
        "Body": "hello",
        "From": f"whatsapp:{_phone()}",
        "MessageSid": "SM" + secrets.token_hex(16),
        "NumMedia": "0",
        "To": SENDER,
    }
    async with httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.post(url, data=form, headers={"X-Twilio-Signature": sign(token, url, form)})
    return answer.status_code


@pytest.mark.timeout(200)
async def test_a_rotation_rejects_nothing_genuine_and_lets_nothing_forged_in(stack: Stack) -> None:
    """
    At 50 webhooks a second: accept the new token, promote it at Twilio, call Twilio with it, remove the old one. Not one genuine
    webhook is refused and every forged one is, before, between and after; and then the old token signs nothing any more.
    """

    async def trunkline(*words: str, given: str = "") -> Any:
        return await asyncio.to_thread(stack.told, *words, given=given)

    state = await trunkline("status")
    async with _people(state["simulator_url"]) as simulator:
        made = (await simulator.post("/sim/accounts", json={"friendly_name": "Rotating", "sender": SENDER})).json()
        sid, old = made["account_sid"], made["secret"]
        account = (await trunkline("accounts", "add", sid, "--token-file", "-", given=old))["id"]
        words = ("lines", "add", SENDER, "--account", account, "--agent", "ag_default", "--enable")
        line = (await trunkline(*words))["id"]
        traffic = Traffic(simulator, 50)
        async with traffic.flowing():
            await traffic.phase()
            token = await simulator.post("/v1/AuthTokens/Secondary", auth=(sid, old))
            new = token.json()["secondary_auth_token"]
            await trunkline("accounts", "secrets", "add", account, "--token-file", "-", given=new)
            await traffic.phase()
            (await simulator.post("/v1/AuthTokens/Promote", auth=(sid, old))).raise_for_status()
            await traffic.phase()
            await trunkline("accounts", "rotate", account, "--token-file", "-", given=new)
            await traffic.phase()
            assert await _signed_with(old, state["webhook_url"], sid) == 200
            for kept in (await trunkline("accounts", "secrets", "list", account))["items"]:
                await trunkline("accounts", "secrets", "remove", account, kept["id"], "--yes")
            await traffic.phase()
    assert len(traffic.genuine) >= 5 * PHASE
    assert set(traffic.genuine.values()) <= {200, None}
    assert set(traffic.forged.values()) <= {403, None}
    assert await _signed_with(old, state["webhook_url"], sid) == 403
    assert await _signed_with(new, state["webhook_url"], sid) == 200
    await trunkline("lines", "set", line, "--disable")


@pytest.mark.timeout(400)
async def test_the_vaults_key_is_rotated_while_people_write(stack: Stack) -> None:
    """
    At 20 webhooks a second, everything restarted for each step: the new key on standby, then written with (ADR 11). Not one
    genuine webhook is refused and every forged one is, but for those that find the only ingress restarting; nothing is left
    under the old key.
    """
    file = stack.home / "keys" / "vault"
    old, new = file.read_text().strip(), secrets.token_hex(32)
    state = await asyncio.to_thread(stack.status)
    async with _people(state["simulator_url"]) as simulator:
        traffic = Traffic(simulator, 20, (await simulator.get("/sim/state")).json()["line"])
        async with traffic.flowing():
            await traffic.phase()
            for ring in (f"1:{old},2:{new}:standby", f"1:{old},2:{new}"):
                file.write_text(f"{ring}\n")
                await _restarted(stack)
                await traffic.phase()
        await eventually(lambda: _all_under(stack, "2"), 60, SELDOM)
    assert set(traffic.genuine.values()) <= {200, None}
    assert set(traffic.forged.values()) <= {403, None}


async def _restarted(stack: Stack) -> None:
    """Let every service end as in a roll-out, and wait for its successor."""
    before = {pid for service in SERVICES for pid in await asyncio.to_thread(stack.pids, service)}
    stack.end_all(before)

    async def are_back() -> bool:
        parts = [it for it in (await asyncio.to_thread(stack.status))["services"] if it["name"] in SERVICES]
        return all(it["ready"] and it["pid"] not in before for it in parts)

    await eventually(are_back, 120, SELDOM)


async def _all_under(stack: Stack, key: str) -> bool:
    """Tell whether nothing that rests in tables is under another key."""
    return set((await asyncio.to_thread(stack.told, "jobs", "run", "rewrap"))["keys"]) == {key}
