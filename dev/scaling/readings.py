"""The figures that scalers read, from where KEDA and Prometheus read them."""

from collections.abc import Iterable, Mapping
from typing import Any

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from dev.scaling.manifest import Age, Lag, Measure

_AGE = "trunkline_oldest_waiting_seconds"


async def read(measures: Iterable[Measure], nats_monitor_url: str, ops_urls: Iterable[str]) -> dict[Measure, float]:
    """
    Return each measure's value; one that nobody tells is left out, as KEDA leaves out what it cannot read.

    A durable's lag is `num_pending` and `num_ack_pending` of NATS' monitor. An age is the most that any process tells.
    """
    async with httpx2.AsyncClient(timeout=5, trust_env=False) as client:
        told = (await client.get(f"{nats_monitor_url}/jsz", params={"consumers": "true"})).json()
        lags, ages = _lags(told), await _ages(client, ops_urls)
    return {measure: value for measure in measures if (value := (lags | ages).get(measure)) is not None}


def _lags(told: Mapping[str, Any]) -> dict[Measure, float]:
    streams = [stream for account in told.get("account_details", ()) for stream in account.get("stream_detail", ())]
    return {
        Lag(stream["name"], it["name"]): it["num_pending"] + it["num_ack_pending"]
        for stream in streams
        for it in stream.get("consumer_detail") or ()
    }


async def _ages(client: httpx2.AsyncClient, ops_urls: Iterable[str]) -> dict[Measure, float]:
    ages: dict[Measure, float] = {}
    for url in ops_urls:
        try:
            scraped = (await client.get(f"{url}/metrics")).text
        except httpx2.HTTPError:  # it starts, or ends
            continue
        for family in text_string_to_metric_families(scraped):
            for sample in family.samples if family.name == _AGE else ():
                stage = Age(sample.labels["stage"])
                ages[stage] = max(ages.get(stage, 0.0), sample.value)
    return ages
