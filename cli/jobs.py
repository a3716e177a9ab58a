"""What has to be done once per deployment, before the services start; and what is done from time to time."""

import os
from pathlib import Path

from cli.api import ask
from cli.outcome import Exit, Output, fail, form, say, say_json

_JOBS = ("gap-fill",)
_JOB_SECONDS = 600.0


def upgrade_database() -> None:
    """Run the migrations that the database has not seen."""
    from shared.store import migrations

    migrations.upgrade(_required("TRUNKLINE_DB__URL"))


def apply_topology() -> None:
    """Make or update every stream; running it again changes nothing."""
    from shared import bus

    bus.apply_topology(_required("TRUNKLINE_NATS__URL"))


def run(name: str, output: Output | None) -> None:
    """Let the console run a periodic job, and print what it came to."""
    if name not in _JOBS:
        fail(Exit.NOT_FOUND, f"There is no job {name}, but {', '.join(_JOBS)}.")
    done = ask("POST", f"jobs/{name}/runs", output, seconds=_JOB_SECONDS)
    if form(output) is Output.JSON:
        say_json(done)
    else:
        say(f"{done['found']} of {done['listed']} messages were missing and are taken in; lines: {done['lines']}.")
    if done["failed"]:
        fail(
            Exit.UNAVAILABLE, f"Twilio could not be asked for {done['failed']} of the lines; the next run looks again."
        )


def _required(name: str) -> str:
    file = os.environ.get(f"{name}_FILE")
    value = Path(file).read_text(encoding="utf-8").strip() if file else os.environ.get(name)
    return value or fail(Exit.CONFIGURATION, f"{name}: Field required")
