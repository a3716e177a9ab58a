"""Which metrics and labels a query asks for."""

import re
from collections.abc import Iterator

from prometheus_client import Histogram

from deploy.prometheus.kubernetes import RULES
from dev.metrics import families

_METRIC = re.compile(r"\b((?:trunkline|gen_ai|stage|up|ALERTS)(?:_[a-z_0-9]+|:[a-z_:0-9]+)?)\b(?:\{([^}]*)\})?")
_LABEL = re.compile(r'([a-z_]+)\s*(?:=~|!~|!=|=)\s*"')
_RECORD = re.compile(r'record: "?([a-z0-9_:]+)')
_SCRAPED = frozenset({"namespace", "instance", "job", "le"})


def unknown(query: str) -> Iterator[str]:
    """Yield what no scrape and no rule has."""
    known = _known()
    for name, selectors in _METRIC.findall(re.sub(r"\b(?:by|without|on)\s*\([^)]*\)", "", query)):
        if name not in known:
            yield name
        else:
            yield from (
                f"{name}{{{label}}}" for label in _LABEL.findall(selectors) if label not in known[name] | _SCRAPED
            )


def named(query: str) -> set[str]:
    """Return the metrics that a query asks for."""
    return {name for name, _ in _METRIC.findall(query)}


def _known() -> dict[str, frozenset[str]]:
    known = {"up": frozenset[str](), "ALERTS": frozenset({"alertname", "alertstate"})}
    for name, metric in families().items():
        labels = frozenset(metric._labelnames)
        parts = ("_bucket", "_count", "_sum") if isinstance(metric, Histogram) else ("",)
        known |= {f"{name}{part}": labels for part in parts}
    return known | {name: frozenset() for name in _RECORD.findall(RULES.read_text())}
