"""Tries the images and Compose: `python -m dev.containers trial`, `python -m dev.containers upgrade --from COMMIT`."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dev.chaos import report
from dev.containers.engine import engine
from dev.containers.trial import try_containers
from dev.containers.upgrade import Settings, rehearse


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m dev.containers", description=__doc__)
    parser.add_argument("--report", type=Path, default=Path("artifacts/containers"), help="folder for the reports")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("trial", help="build, bring up, inspect, write a message")
    upgrade = commands.add_parser("upgrade", help="upgrade from a commit under load, and go back")
    upgrade.add_argument("--from", dest="commit", default="HEAD~1")
    upgrade.add_argument("--rate", type=float, default=10.0, help="messages a second")
    return parser.parse_args()


def main() -> int:
    """Do what was asked, write the report, and tell by the exit status whether all is well."""
    told = options()
    with engine() as docker:
        if told.command == "trial":
            trial = try_containers(docker)
            return _tell(told.report, "containers", trial.markdown(), trial.data())
        outcome = rehearse(docker, Settings(told.commit, told.rate))
        return _tell(told.report, "upgrade", report.markdown(outcome), outcome)


def _tell(folder: Path, name: str, page: str, data: Mapping[str, Any]) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(page, encoding="utf-8")
    (folder / f"{name}.json").write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    print(page)  # noqa: T201 - the command's result
    return 0 if data["good"] else 1


if __name__ == "__main__":
    sys.exit(main())
