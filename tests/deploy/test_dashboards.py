"""Grafana's dashboards ask for what there is."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.grafana.files import FOLDER, files
from tests.deploy.alerts.names import unknown
from tests.deploy.rendering import ROOT

_ALL = {it.stem: json.loads(it.read_text()) for it in FOLDER.glob("*.json")}
_FILLED = {"$__rate_interval": "1m", "$tenant": ".*"}
"""What Grafana puts in the place of its variables."""


def _queries(dashboard: dict[str, Any]) -> Iterator[str]:
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            query = target["expr"]
            for name, value in _FILLED.items():
                query = query.replace(name, value)
            yield query


def test_the_dashboards_are_what_their_source_says() -> None:
    """
    They are written by `python -m deploy.grafana`.
    """
    assert {it.name: it.read_text() for it in FOLDER.glob("*.json")} == files()


@pytest.mark.parametrize("name", _ALL)
def test_every_query_parses(name: str, tmp_path: Path) -> None:
    """
    As promtool reads PromQL.
    """
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(_queries(_ALL[name]))]
    assert rules
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": name, "rules": rules}]}))
    done = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", _ALL)
def test_every_query_asks_for_metrics_that_there_are(name: str) -> None:
    """
    With labels that they have.
    """
    assert [fault for query in _queries(_ALL[name]) for fault in unknown(query)] == []


def test_every_metric_of_ours_is_on_a_dashboard_or_in_an_alert() -> None:
    """
    What nobody looks at need not be measured.
    """
    seen = " ".join(query for dashboard in _ALL.values() for query in _queries(dashboard))
    seen += (ROOT / "deploy/prometheus/rules.yml").read_text()
    metrics = re.findall(r"^\| `([a-z_]+)` \|", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE)
    assert metrics
    assert [name for name in metrics if name not in seen] == []
