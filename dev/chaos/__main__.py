"""Runs chaos on a stack of its own: `python -m dev.chaos --conversations 60 --messages 10 --kills 40 --seed 1`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from dev.chaos import report
from dev.chaos.stack import running
from dev.chaos.unleash import Settings, unleash


def settings_of(told: argparse.Namespace) -> Settings:
    """Return the settings of a run."""
    return Settings(**{name: value for name, value in vars(told).items() if name != "report"})


def options(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--conversations", type=int, default=200)
    parser.add_argument("--messages", type=int, default=10, help="of each person")
    parser.add_argument("--kills", type=int, default=200, help="processes that die")
    parser.add_argument("--every", type=float, default=3.0, help="seconds between faults, on average")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replicas", default="router=2,agent=2,egress=2")
    parser.add_argument("--patience", type=float, default=300.0, help="seconds to wait for the last answers")
    parser.add_argument("--longest-pause", type=float, default=20.0, help="seconds")
    parser.add_argument("--reconcile", default="", help="TRUNKLINE_EGRESS__RECONCILE_AFTER; default: the product's own")
    parser.add_argument("--report", type=Path, default=Path("artifacts/chaos"), help="folder for the reports")
    return parser.parse_args(words)


def variables(settings: Settings) -> dict[str, str]:
    """Return what the stack is told beside its own settings. Nobody is to be turned away for writing much."""
    asked = {"TRUNKLINE_EGRESS__RECONCILE_AFTER": settings.reconcile} if settings.reconcile else {}
    return {"CHANNEL_INBOUND_RPS_BUCKET": str(max(10, settings.messages)), **asked}


def main() -> int:
    """Run, write the report, and tell by the exit status whether every promise was kept."""
    told = options()
    settings = settings_of(told)
    name = f"seed-{settings.seed}"
    with running(settings.replicas, variables(settings), keep=told.report / f"{name}-logs.tar.gz") as stack:
        outcome = asyncio.run(unleash(stack, settings, told.report / f"{name}-history.json.gz"))
    report.write(told.report, name, outcome)
    print(report.markdown(outcome))  # noqa: T201 - the command's result
    return 0 if outcome["good"] else 1


if __name__ == "__main__":
    sys.exit(main())
