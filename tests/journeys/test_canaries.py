"""What people and keys are, as bytes, is in no file, log, trace or metric: in either privacy mode."""

import json
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.eventually import eventually
from tests.fakes.collector import Collector
from tests.journeys.stack import Stack, logs, metrics

PEOPLE = 7
"""For each mode: a number, a name and two texts of each person."""


MARK = secrets.token_hex(6)
"""What the names and texts of all canaries begin with, and what is looked for of them."""

AREA = f"1{secrets.randbelow(9 * 10**8) + 10**8}"
"""Likewise of their numbers."""


@dataclass(frozen=True)
class Canary:
    """Somebody of whom nothing may be found. The model says the same text back, so an answer holds it too."""

    number: str
    name: str
    texts: tuple[str, str]

    @classmethod
    def hatch(cls, n: int) -> "Canary":
        return cls(f"{AREA}{n:02}", f"{MARK} Bird {n}", (f"{MARK} song {n}", f"{MARK} note {n}"))


async def sings(simulator: httpx2.AsyncClient, canary: Canary) -> None:
    """Write two messages, and wait until both were answered."""

    async def answered(times: int) -> bool:
        shown = (await simulator.get(f"/sim/phones/+{canary.number}/messages")).json()
        return len([it for it in shown if it["direction"] == "in" and it["status"] == "read"]) >= times

    for times, text in enumerate(canary.texts, start=1):
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
        home = stack.home / name
        for place in (home, home / "elsewhere" / "cell"):  # the latter when we are root: dev/embedded/quarters.py
            yield from ((file, file.read_bytes()) for file in place.rglob("*") if file.is_file())


def found(data: bytes, signs: Iterable[str]) -> set[str]:
    """Return which signs are in there, as text or in hexadecimal."""
    return {sign for sign in signs if sign.encode() in data or sign.encode().hex().encode() in data}


async def test_no_canary_is_anywhere_in_clear(watched: tuple[Stack, Collector]) -> None:
    """
    Fifty-six of people, and every secret, are looked for byte by byte, once all pages are written out; the simulator and the
    model's own log, which play the world outside, are left out.
    """
    stack, collector = watched
    canaries = [Canary.hatch(n) for n in range(2 * PEOPLE)]
    async with stack.simulator() as simulator:
        for mode, some in (("hashed", canaries[:PEOPLE]), ("encrypted", canaries[PEOPLE:])):
            seen = api(stack, "GET", "tenants/tn_default")
            api(
                stack, "PATCH", "tenants/tn_default", json={"privacy": mode}, headers={"If-Match": seen.headers["etag"]}
            )
            for canary in some:
                await sings(simulator, canary)
    stack.run("jobs", "run", "privacy")
    signs = [MARK, AREA, *(it for it in tokens(stack) if len(it) >= 8)]
    assert found(b"".join(f"{it.number} {it.name} {it.texts}".encode() for it in canaries), signs) == {MARK, AREA}
    assert found(await metrics(stack), signs) == set()
    kept = dict(files_of(stack))
    try:
        assert sum(map(len, kept.values())) > 10_000_000
        assert found(logs(stack) + collector.raw, signs) == set()
        assert {str(file): them for file, data in kept.items() if (them := found(data, signs))} == {}
    finally:
        for name in ("postgres", "nats"):
            stack.run("start", name)
