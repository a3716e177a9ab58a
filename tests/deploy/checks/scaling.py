"""Each service scales on what waits for it, by the names that the topology gives."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shared.topology import AGENT, EGRESS, ROUTER, STATUS_READER, Consumer
from tests.deploy.rendering import Manifest

DURABLES: Mapping[str, set[Consumer[Any]]] = {"router": {ROUTER}, "agent": {AGENT}, "egress": {EGRESS, STATUS_READER}}
_KEYS = json.loads((Path(__file__).parents[2] / "contracts/kubernetes/keda-scalers.json").read_text())


def faults(manifests: list[Manifest]) -> Iterator[str]:
    """Yield scalers that scale nothing, or on nothing."""
    records = {
        rule["record"]
        for it in manifests
        if it["kind"] == "PrometheusRule"
        for group in it["spec"]["groups"]
        for rule in group["rules"]
        if "record" in rule
    }
    deployments = {it["metadata"]["name"]: it for it in manifests if it["kind"] == "Deployment"}
    for it in manifests:
        if it["kind"] not in {"ScaledObject", "HorizontalPodAutoscaler"}:
            continue
        where, spec = f"{it['kind']} {it['metadata']['name']}", it["spec"]
        target = deployments.get(spec["scaleTargetRef"]["name"])
        if target is None:
            yield f"{where}: no Deployment {spec['scaleTargetRef']['name']}"
        elif "replicas" in target["spec"]:
            yield f"{where}: each roll-out would set the replicas back"
        if it["kind"] == "ScaledObject":
            yield from (f"{where}: {fault}" for fault in _triggers(it["metadata"]["name"], spec["triggers"], records))


def _triggers(name: str, triggers: list[Manifest], records: set[str]) -> Iterator[str]:
    for trigger in triggers:
        keys, given = _KEYS.get(trigger["type"], {}), trigger["metadata"]
        yield from (f"unknown key {key}" for key in sorted(set(given) - set(keys)))
        yield from (f"lacks {key}" for key, required in keys.items() if required and key not in given)
        yield from (f"{key} is no text" for key, value in given.items() if not isinstance(value, str))
    lags = [trigger["metadata"] for trigger in triggers if trigger["type"] == "nats-jetstream"]
    found = {(lag.get("stream"), lag.get("consumer")) for lag in lags}
    wanted = {(consumer.stream.name, consumer.durable) for consumer in DURABLES.get(name, ())}
    if found != wanted:
        yield f"reads the lag of {sorted(map(str, found))}, not of {sorted(map(str, wanted))}"
    yield from ("names no account" for lag in lags if not {"account", "accountID"} & set(lag))
    queries = [trigger["metadata"].get("query", "") for trigger in triggers if trigger["type"] == "prometheus"]
    if not queries:
        yield "does not know how long work waits"
    yield from (
        f"asks for what no rule records: {query}" for query in queries if not any(record in query for record in records)
    )
    yield from ("asks for another stage" for query in queries if f'stage="{name}"' not in query)
