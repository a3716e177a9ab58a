"""What has to be done once per deployment, before the services start."""

# ruff: noqa: PLC0415 - each job needs one half of the kernel, and the other is slow to import

import os
from pathlib import Path

from cli.outcome import Exit, fail


def upgrade_database() -> None:
    """Run the migrations that the database has not seen."""
    from shared.store import migrations

    migrations.upgrade(_required("TRUNKLINE_DB__URL"))


def apply_topology() -> None:
    """Make or update every stream; running it again changes nothing."""
    from shared import bus

    bus.apply_topology(_required("TRUNKLINE_NATS__URL"))


def _required(name: str) -> str:
    if value := os.environ.get(name):
        return value
    if file := os.environ.get(f"{name}_FILE"):
        return Path(file).read_text(encoding="utf-8").strip()
    fail(Exit.CONFIGURATION, f"{name}: Field required")
