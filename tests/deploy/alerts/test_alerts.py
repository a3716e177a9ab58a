"""An operator is told of a fault, of that one, and of nothing else."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.prometheus.kubernetes import RULES, manifest
from tests.deploy.alerts.cases import CASES, PLANTED
from tests.deploy.alerts.names import unknown
from tests.deploy.alerts.series import HEALTHY, Course, written
from tests.deploy.rendering import ROOT

_HOUR, _BEFORE = 60, 20
"""Minutes of health, and those before each fault."""


def _rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


ALERTS = {rule["alert"]: rule for rule in _rules() if "alert" in rule}


def _try(
    folder: Path, change: Mapping[str, Course], firing: Mapping[int, Sequence[str]], before: int = _BEFORE
) -> None:
    """Let promtool evaluate the rules over series, and assert which alerts fire so many minutes after the change."""
    last = max(firing)
    expected = [
        {
            "expr": 'count by (alertname) (ALERTS{alertstate="firing"}) > bool 0',
            "eval_time": f"{before + minute}m",
            "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in names],
        }
        for minute, names in firing.items()
    ]
    test = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "15s",
                "input_series": written({**HEALTHY, **change}, before, last + 1),
                "promql_expr_test": expected,
            }
        ],
    }
    file = folder / "alerts.yml"
    file.write_text(yaml.safe_dump(test, width=100_000))
    done = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_fires_in_a_healthy_hour(tmp_path: Path) -> None:
    """
    Minute by minute.
    """
    _try(tmp_path, {}, {minute: [] for minute in range(-_HOUR, 1)}, _HOUR)


@pytest.mark.parametrize("name", ALERTS)
def test_a_fault_fires_its_alert(tmp_path: Path, name: str) -> None:
    """
    And no alert that it is not for.
    """
    case = CASES[name]
    _try(tmp_path, case.fault, {-1: [], case.within: sorted({name, *case.also})})


@pytest.mark.parametrize("name", ALERTS)
def test_what_is_nearly_a_fault_fires_nothing(tmp_path: Path, name: str) -> None:
    """
    Neither at once nor after a while.
    """
    _try(tmp_path, CASES[name].near, {0: [], 1: [], 2: [], 5: [], 10: [], 15: []})


@pytest.mark.parametrize("fault", PLANTED)
def test_the_ten_faults_are_told_within_a_minute(fault: str) -> None:
    """
    The alert of each is tried above, a minute after the fault.
    """
    assert CASES[PLANTED[fault]].within == 1


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_leads_to_its_page(name: str) -> None:
    """
    Which says what it means, where to look, what to do, and how to see that it is over.
    """
    page = ROOT / ALERTS[name]["annotations"]["runbook_url"]
    assert page.name == f"{name}.md"
    titles = re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE)
    assert titles == ["What it means", "What to look at", "What to do", "How to see that it is over"]


def test_no_page_is_without_an_alert() -> None:
    """
    Pages of alerts that are gone are, too.
    """
    assert {it.stem for it in (ROOT / "docs/runbooks").glob("*.md")} == {*ALERTS}


def test_the_operators_rules_are_the_same() -> None:
    """
    The manifest is what `python -m deploy.prometheus.kubernetes` prints.
    """
    assert (ROOT / "deploy/k8s/components/monitoring/alerts.yaml").read_text() == manifest()


@pytest.mark.parametrize("rule", _rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_asks_for_metrics_that_there_are(rule: dict[str, Any]) -> None:
    """
    Of our services, with labels that they have, or of another rule.
    """
    assert list(unknown(rule["expr"])) == []


@pytest.mark.parametrize("name", ALERTS)
def test_a_page_names_what_there_is(name: str) -> None:
    """
    Its queries ask for metrics of ours, its commands are the command line's.
    """
    page = (ROOT / "docs/runbooks" / f"{name}.md").read_text()
    commands = re.findall(r"`(trunkline [a-z-]+(?: [a-z-]+)?)", (ROOT / "docs/cli.md").read_text())
    quoted = [text.replace("\n  ", " ") for text in re.findall(r"`([^`]+)`", page)]
    assert [it for it in quoted if it.startswith("trunkline ") and not it.startswith(tuple(commands))] == []
    queries = [it for it in quoted if re.search(r"trunkline_[a-z_]+|gen_ai_", it) and not it.startswith("trunkline ")]
    assert [fault for query in queries for fault in unknown(query)] == []
