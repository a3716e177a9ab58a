"""What a real Prometheus makes of a real stack."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import yaml

from deploy.prometheus.kubernetes import RULES
from dev.embedded.ports import free_port
from tests.deploy.alerts.names import named
from tests.eventually import eventually
from tests.fakes.collector import Collector
from tests.journeys.stack import Stack

SERVICES = ("ingress", "router", "agent", "egress", "console")


@contextmanager
def prometheus(folder: Path, targets: list[str]) -> Iterator[str]:
    """Run Prometheus over these processes with our rules, as Compose does but quicker; give its API's address."""
    rules = yaml.safe_load(RULES.read_text())
    for group in rules["groups"]:
        group["interval"] = "1s"
    (folder / "rules.yml").write_text(yaml.safe_dump(rules))
    scrape = {"job_name": "trunkline", "static_configs": [{"targets": targets}]}
    settings = {"global": {"scrape_interval": "1s"}, "rule_files": ["rules.yml"], "scrape_configs": [scrape]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    port = free_port()
    argv = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    argv += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    with subprocess.Popen(argv) as server:
        try:
            yield f"http://127.0.0.1:{port}/api/v1"
        finally:
            server.terminate()


async def _asked(client: httpx2.AsyncClient, path: str, **query: str) -> Any:
    try:
        answer = await client.get(path, params=query)
    except httpx2.TransportError:
        return None
    return answer.json()["data"] if answer.status_code == 200 else None


async def test_a_healthy_stack_fires_no_alert_and_has_what_the_rules_ask_for(
    watched: tuple[Stack, Collector], tmp_path: Path
) -> None:
    """
    Every process is scraped, every rule is evaluated over it, each metric of a rule was scraped, and none fires.
    """
    stack, _ = watched
    targets = [
        part["ops_url"].removeprefix("http://") for part in stack.status()["services"] if part["name"] in SERVICES
    ]
    with prometheus(tmp_path, targets) as url:
        async with httpx2.AsyncClient(base_url=url, trust_env=False) as client:

            async def evaluated() -> list[dict[str, Any]] | None:
                up = await _asked(client, "/query", query="sum(up)")
                told = await _asked(client, "/rules")
                rules = [rule for group in (told or {}).get("groups", ()) for rule in group["rules"]]
                whole = up and up["result"] and float(up["result"][0]["value"][1]) == len(targets)
                return rules if whole and all(rule["health"] == "ok" for rule in rules) else None

            rules = await eventually(evaluated)
            waiting = await eventually(lambda: _asked(client, "/query", query="trunkline_oldest_waiting_seconds"))
            assert {it["metric"]["stage"] for it in waiting["result"]} == {"router", "agent", "egress", "status"}
            described = await eventually(lambda: _asked(client, "/metadata"))
            alerts = await _asked(client, "/alerts")
    assert len(targets) == len(SERVICES)
    assert [it["labels"] for it in alerts["alerts"]] == []
    asked = {name for rule in rules for name in named(rule["query"]) if name.startswith("trunkline_")}
    assert asked
    assert asked <= {f"{name}{end}" for name in described for end in ("", "_total", "_bucket", "_count")}
