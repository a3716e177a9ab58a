"""What people and keys are, as bytes, is in no file, log, trace or metric: in either privacy mode."""

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.eventually import eventually
from tests.fakes.collector import Collector
from tests.journeys.stack import Stack, logs, metrics

PEOPLE = 7
"""For each mode: a number, a name and two texts of each person."""


@dataclass(frozen=True)
class Canary:
    """Somebody of whom nothing may be found. The phone says the same text back, so an answer holds it too."""

    number: str
    name: str
    text: str
    form: str

    @classmethod
    def hatch(cls) -> "Canary":
        return cls(
            f"1778{secrets.randbelow(10**8):08}",
            *(f"{kind} {secrets.token_hex(8)}" for kind in ("Bird", "song", "note")),
        )

    @property
    def signs(self) -> tuple[str, ...]:
        return self.number, self.name, self.text, self.form


async def sings(simulator: httpx2.AsyncClient, canary: Canary) -> None:
    """Write two messages, and wait until both were answered."""

    async def answered(times: int) -> bool:
        shown = (await simulator.get(f"/sim/phones/+{canary.number}/messages")).json()
        return len([it for it in shown if it["direction"] == "in" and it["status"] == "read"]) >= times

    for times, text in enumerate((canary.text, canary.form), start=1):
        said = {"from": f"+{canary.number}", "body": text, "profile_name": canary.name}
        await simulator.post("/sim/messages", json=said)
        await eventually(lambda times=times: answered(times))  # type: ignore[misc]


def api(stack: Stack, method: str, path: str, **more: object) -> httpx2.Response:
    """Ask the console as the platform's admin."""
    key = (stack.home / "keys" / "console").read_text().strip()
    headers = {"Authorization": f"Bearer {key}", **dict(more.pop("headers", {}))}  # type: ignore[call-overload]
    url = f"{stack.status()['console_url']}/v1/{path}"
    answer = httpx2.request(method, url, headers=headers, trust_env=False, **more)  # type: ignore[arg-type]
    assert answer.is_success, answer.text
    return answer


def tokens(stack: Stack) -> Iterator[str]:
    """Return every secret that there is, and make two that are told once."""
    yield from (file.read_text().strip() for file in (stack.home / "keys").iterdir())
    made = {"Idempotency-Key": "canary"}
    key = api(stack, "POST", "api-keys", json={"name": "canary", "scopes": ["agents:read"]}, headers=made).json()
    yield key["token"]
    yield json.loads(stack.run("users", "pair-code", "-o", "json").stdout)["code"]


def files_of(stack: Stack) -> Iterator[tuple[Path, bytes]]:
    """Return what is on disk: the database with its log, and the streams. All of it is written out when they stop."""
    for name in ("postgres", "nats"):
        stack.run("stop", name)
        yield from ((file, file.read_bytes()) for file in (stack.home / name).rglob("*") if file.is_file())


async def test_no_canary_is_anywhere_in_clear(watched: tuple[Stack, Collector]) -> None:
    """
    Fifty-six of people, and every secret, are looked for byte by byte; the simulator and the model's own log, which play the
    world outside, are left out.
    """
    stack, collector = watched
    canaries = [Canary.hatch() for _ in range(2 * PEOPLE)]
    async with stack.simulator() as simulator:
        for mode, some in (("hashed", canaries[:PEOPLE]), ("encrypted", canaries[PEOPLE:])):
            seen = api(stack, "GET", "tenants/tn_default")
            api(
                stack, "PATCH", "tenants/tn_default", json={"privacy": mode}, headers={"If-Match": seen.headers["etag"]}
            )
            for canary in some:
                await sings(simulator, canary)
    stack.run("jobs", "run", "privacy")
    secret = [it for it in tokens(stack) if len(it) >= 8]
    wanted = [sign for canary in canaries for sign in canary.signs] + secret
    assert len(wanted) >= 56
    told = logs(stack) + await metrics(stack) + collector.raw
    kept = dict(files_of(stack))
    try:
        assert sum(map(len, kept.values())) > 10_000_000
        found = re.compile(
            b"|".join(re.escape(form) for sign in wanted for form in (sign.encode(), sign.encode().hex().encode()))
        )
        assert found.findall(told) == []
        assert {
            str(file.relative_to(stack.home)): hits for file, data in kept.items() if (hits := found.findall(data))
        } == {}
    finally:
        for name in ("postgres", "nats"):
            stack.run("start", name)


@pytest.mark.parametrize("sign", ["Bird 0123456789abcdef"])
def test_the_search_finds_what_is_there(sign: str, tmp_path: Path) -> None:
    """
    In the middle of other bytes.
    """
    data = secrets.token_bytes(100) + sign.encode() + secrets.token_bytes(100)
    assert re.compile(re.escape(sign).encode()).findall(data) == [sign.encode()]
