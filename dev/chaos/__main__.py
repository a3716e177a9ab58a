"""Runs chaos on a stack of its own: `python -m dev.chaos --conversations 60 --messages 10 --kills 40 --seed 1`."""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx2
import psycopg

from dev.chaos import checker, report
from dev.chaos.crowd import Crowd
from dev.chaos.trouble import Trouble
from dev.embedded import is_free
from shared.vault import Vault, place

_ROOT = Path(__file__).parents[2]
_OURS = ("TRUNKLINE_", "TWILIO_", "OPENAI_", "CHANNEL_", "OTEL_")
_CALL_LIMIT = "5"
"""Seconds of one model call, so that a model that hangs is a fault among others and not a pause of all."""


class Stack:
    """A stack in a home and at ports of its own."""

    def __init__(self, home: Path, variables: Mapping[str, str]) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        offset = next(it for it in range(20_000, 24_000, 10) if all(is_free(port + it) for port in (8080, 8081, 8082)))
        self.home = home
        self._environment = {
            **kept,
            "TRUNKLINE_HOME": str(home),
            "TRUNKLINE_PORT_OFFSET": str(offset),
            "TRUNKLINE_AGENT__CALL_LIMIT": _CALL_LIMIT,
            "TWILIO_WEBHOOK_URL": f"http://127.0.0.1:{8080 + offset}/webhooks/twilio#rc=5&rp=5xx,ct,rt&ct=2000&rt=4000&tt=15000",
            **variables,
        }

    def run(self, *words: str) -> str:
        """Run a command of ours and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "cli", *words],
            cwd=_ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout

    def status(self) -> dict[str, Any]:
        """Return what runs."""
        state: dict[str, Any] = json.loads((self.home / "run" / "state.json").read_text(encoding="utf-8"))
        return state | {"services": state["parts"]}


@contextmanager
def running(replicas: str, variables: Mapping[str, str]) -> Iterator[Stack]:
    """Run a stack for the length of the block, and leave nothing of it."""
    with tempfile.TemporaryDirectory(prefix="trunkline-chaos-") as folder:
        stack = Stack(Path(folder) / "home", variables)
        try:
            stack.run("up", *(("--replicas", replicas) if replicas else ()))
            yield stack
        finally:
            stack.run("reset", "--yes")


async def unleash(stack: Stack, options: argparse.Namespace) -> dict[str, Any]:
    """Write, make trouble, wait for every answer, and return the report."""
    state = stack.status()
    model_url = next(part["ops_url"] for part in state["services"] if part["name"] == "model")
    chance = random.Random(options.seed)
    seconds = options.kills * options.every / 0.66
    rate = options.conversations * options.messages / seconds
    async with (
        httpx2.AsyncClient(base_url=state["simulator_url"], timeout=60, trust_env=False) as simulator,
        httpx2.AsyncClient(base_url=model_url, timeout=60, trust_env=False) as model,
    ):
        crowd = Crowd(simulator, options.conversations, options.messages, rate, random.Random(options.seed + 1))
        trouble = Trouble(simulator, model, stack.status, chance, options.every, options.kills)
        writing = asyncio.create_task(crowd.write())
        await trouble.make()
        await writing
        await _all_answered(simulator, options.patience)
        wire = (await simulator.get("/sim/wire")).json()
        calls = (await model.get("/script/log")).json()
    faults = [asdict(fault) for fault in trouble.faults]
    found = checker.check(wire, calls, faults, await asyncio.to_thread(_forms, stack))
    settings = {name: value for name, value in vars(options).items() if name != "report"}
    return report.summary(settings, found, trouble.faults)


async def _all_answered(simulator: httpx2.AsyncClient, patience: float) -> None:
    """Wait until nothing is unanswered any more, and a moment for what would come twice."""
    until = time.monotonic() + patience
    while checker.unanswered((await simulator.get("/sim/wire")).json()) and time.monotonic() < until:
        await asyncio.sleep(2)
    await asyncio.sleep(5)


def _forms(stack: Stack) -> Counter[str]:
    """Return how often each mark's contact form is stored."""
    vault = Vault({1: bytes.fromhex((stack.home / "keys" / "vault").read_text(encoding="utf-8").strip())})
    with psycopg.connect(stack.status()["database_url"]) as connection:
        rows = connection.execute("select id, tenant_id, sealed_body from form_submission").fetchall()
    texts = [vault.open(sealed, place(tenant, "form", form)).decode() for form, tenant, sealed in rows]
    return Counter(text.partition("[")[2].partition("]")[0] for text in texts if "[" in text)


def options(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--conversations", type=int, default=200)
    parser.add_argument("--messages", type=int, default=10, help="of each person")
    parser.add_argument("--kills", type=int, default=200, help="processes that die")
    parser.add_argument("--every", type=float, default=3.0, help="seconds between faults, on average")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replicas", default="router=2,agent=2,egress=2")
    parser.add_argument("--patience", type=float, default=240.0, help="seconds to wait for the last answers")
    parser.add_argument("--reconcile", default="", help="TRUNKLINE_EGRESS__RECONCILE_AFTER; default: the product's own")
    parser.add_argument("--report", type=Path, default=Path("artifacts/chaos"), help="folder for the reports")
    return parser.parse_args(words)


def main() -> int:
    """Run, write the report, and tell by the exit status whether every promise was kept."""
    chosen = options()
    variables = {"TRUNKLINE_EGRESS__RECONCILE_AFTER": chosen.reconcile} if chosen.reconcile else {}
    with running(chosen.replicas, variables) as stack:
        told = asyncio.run(unleash(stack, chosen))
    report.write(chosen.report, f"seed-{chosen.seed}", told)
    print(report.markdown(told))  # noqa: T201 - the command's result
    return 0 if told["good"] else 1


if __name__ == "__main__":
    sys.exit(main())
