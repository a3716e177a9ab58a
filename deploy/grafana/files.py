"""The dashboards as files."""

import json
from pathlib import Path

from deploy.grafana.pages import DASHBOARDS
from deploy.grafana.panels import dashboard

FOLDER = Path(__file__).parent / "dashboards"


def files() -> dict[str, str]:
    """Return the text of each file by its name."""
    return {f"{name}.json": json.dumps(dashboard(page), indent=2) + "\n" for name, page in DASHBOARDS.items()}
