"""Scales a stack of its own out and in: `python -m dev.scaling`. Exits with 0 if no turn was interrupted."""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from dev.chaos.stack import running
from dev.scaling.manifest import SCALED
from dev.scaling.trial import Settings, markdown, scale

_VARIABLES = {"TRUNKLINE_AGENT__WORKERS": "1", "TRUNKLINE_DB__POOL": "4"}
"""Few places for turns, so that a slow model makes people wait; few connections, so that Postgres has room for all replicas."""


def main() -> int:
    """Run, write the report, and tell by the exit status whether all is well."""
    parser = argparse.ArgumentParser(prog="python -m dev.scaling", description=__doc__)
    parser.add_argument("--services", default="agent", help=f"of {','.join(SCALED)}; the others stay two")
    parser.add_argument("--most", type=int, default=Settings.most, help="replicas of each service")
    parser.add_argument("--hurry", type=float, default=Settings.hurry, help="how much faster than in a cluster")
    parser.add_argument("--people", type=int, default=Settings.people, help="each writes once")
    parser.add_argument("--report", type=Path, default=Path("artifacts/scaling"), help="folder for the report")
    told = parser.parse_args()
    settings = Settings(tuple(told.services.split(",")), most=told.most, hurry=told.hurry, people=told.people)
    replicas = {name: settings.most if name in settings.services else 2 for name in SCALED}
    with running(",".join(f"{name}={count}" for name, count in replicas.items()), _VARIABLES) as stack:
        outcome = asyncio.run(scale(stack, settings))
    told.report.mkdir(parents=True, exist_ok=True)
    (told.report / "scaling.json").write_text(json.dumps(outcome, indent=2) + "\n", encoding="utf-8")
    (told.report / "scaling.md").write_text(markdown(outcome), encoding="utf-8")
    print(markdown(outcome))  # noqa: T201 - the command's result
    return 0 if outcome["good"] else 1


if __name__ == "__main__":
    sys.exit(main())
