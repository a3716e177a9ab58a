"""Prints `docs/metrics.md` from `shared.metrics`: `python -m dev.metrics > docs/metrics.md`."""

from collections.abc import Iterator

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from shared import metrics

_HEAD = """# Metrics

Every process tells its own on `/metrics` of its ops port, made from `shared/metrics.py`. Histograms of hops have the id of a
trace as an exemplar for whoever asks for OpenMetrics. Gauges of what waits are measured at a scrape, at most every 3 s, by an
index, so that each replica tells the same number: take their `max`, not their `sum`.

No label holds a phone number, a person or a message. `tenant` is empty unless `TRUNKLINE_AGENT__TENANT_LABEL` is on.

| Metric | Kind | Labels | Meaning |
|---|---|---|---|
"""
_KINDS: dict[type[MetricWrapperBase], str] = {Counter: "counter", Gauge: "gauge", Histogram: "histogram"}


def page() -> str:
    """Return the page."""
    return _HEAD + "".join(f"| `{name}` | {kind} | {labels} | {meaning} |\n" for name, kind, labels, meaning in _rows())


def families() -> dict[str, MetricWrapperBase]:
    """Return every metric by the name that a query uses."""
    found = [it for it in vars(metrics).values() if isinstance(it, MetricWrapperBase)]
    return {next(iter(it.describe())).name + ("_total" if isinstance(it, Counter) else ""): it for it in found}


def _rows() -> Iterator[tuple[str, str, str, str]]:
    for name, metric in families().items():
        labels = ", ".join(f"`{label}`" for label in metric._labelnames) or "none"  # noqa: SLF001 - the library tells no other way
        yield name, _KINDS[type(metric)], labels, next(iter(metric.describe())).documentation


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 - printing is its work
