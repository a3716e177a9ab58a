"""What has to be done once per deployment, before the services start."""

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
    file = os.environ.get(f"{name}_FILE")
    value = Path(file).read_text(encoding="utf-8").strip() if file else os.environ.get(name)
    return value or fail(Exit.CONFIGURATION, f"{name}: Field required")
