"""What operators see, and what they must not see."""

import re

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from dev.metrics import families
from tests.eventually import eventually
from tests.fakes.collector import Collector, SeenSpan
from tests.journeys.stack import Stack, logs, metrics

ID_LIKE = re.compile(r"[a-z]{1,4}_[0-9a-z]{16,}|[A-Z]{2}[0-9a-f]{32}|\d{6,}|[0-9a-f]{8}-[0-9a-f]{4}|[0-9a-z]{24,}")
NUMBER = "+15557654321"
TEXT = "the canary sings at midnight"
STEPS = ("invoke_agent ", "chat ", "send part", "POST twilio")


async def test_one_trace_leads_from_the_webhook_to_twilio_and_tells_nothing_personal(
    watched: tuple[Stack, Collector],
) -> None:
    """
    Found by the MessageSid, the trace has every service; no log, span or metric holds number, text or secret.
    """
    stack, collector = watched
    async with stack.simulator() as simulator:
        sent = (
            await simulator.post("/sim/messages", json={"from": NUMBER, "body": TEXT, "profile_name": "Canary Bird"})
        ).json()

        async def whole() -> list[SeenSpan] | None:
            trace = collector.trace_of(sent["sid"])
            services = {span.service for span in trace}
            expected = {f"trunkline-{name}" for name in ("ingress", "router", "agent", "egress")}
            steps = [any(span.name.startswith(step) for span in trace) for step in STEPS]
            return trace if expected <= services and all(steps) else None

        await eventually(whole)
    seen = collector.raw + logs(stack) + await metrics(stack)
    secrets = [file.read_bytes().strip() for file in (stack.home / "keys").iterdir()]
    for canary in (NUMBER.removeprefix("+").encode(), TEXT.encode(), b"Canary Bird", *secrets):
        assert canary not in seen


async def test_messages_are_counted_by_what_became_of_them(watched: tuple[Stack, Collector]) -> None:
    """
    The metric that the source documents name is there, with its four labels.
    """
    stack, _ = watched
    scraped = (await metrics(stack)).decode()
    label = (
        'trunkline_channel_messages_total{channel="whatsapp",direction="inbound",provider="twilio",status="received"}'
    )
    assert label in scraped
    assert 'trunkline_hop_seconds_bucket{hop="accept"' in scraped


async def test_no_label_grows_with_people_messages_or_tenants(watched: tuple[Stack, Collector]) -> None:
    """
    After an answered message, all services tell of nothing but the metrics that are documented, with their labels, of which
    none holds an id; every stage says how long its work waits.
    """
    stack, _ = watched
    documented, seen = families(), dict[str, set[str]]()
    for family in text_string_to_metric_families((await metrics(stack)).decode()):
        if not family.name.startswith(("python_", "process_")):
            for sample in family.samples:
                labels = {name: value for name, value in sample.labels.items() if name not in {"le", "quantile"}}
                assert not any(ID_LIKE.search(value) for value in labels.values()), sample
                assert not labels.get("tenant"), sample
                seen.setdefault(family.name, set()).update(labels)
    known = {name.removesuffix("_total"): set(metric._labelnames) for name, metric in documented.items()}
    assert seen == {name: known[name] for name in seen}
    scraped = (await metrics(stack)).decode()
    for stage in ("router", "status", "agent", "egress"):
        assert f'trunkline_oldest_waiting_seconds{{stage="{stage}"}}' in scraped


async def test_a_latency_leads_to_its_trace(watched: tuple[Stack, Collector]) -> None:
    """
    Whoever asks for OpenMetrics is told of a trace beside the bucket of a hop.
    """
    stack, collector = watched
    [url] = [part["ops_url"] for part in stack.status()["services"] if part["name"] == "ingress"]
    async with httpx2.AsyncClient(trust_env=False) as client:
        told = await client.get(f"{url}/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    traces = set(re.findall(r'hop="accept".* # {trace_id="([0-9a-f]{32})"}', told.text))
    assert traces
    assert traces <= {span.trace for span in collector.spans}
