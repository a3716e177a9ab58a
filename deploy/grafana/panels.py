"""What a dashboard is made of: titled rows of panels, each with its queries. `dashboard` gives the JSON that Grafana imports."""

from dataclasses import dataclass, field
from typing import Any

_WIDTH, _HEIGHT = 24, 8
_SOURCE = {"type": "prometheus", "uid": "${source}"}


@dataclass(frozen=True)
class Query:
    """PromQL, and how its series are named in the legend."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """A picture. `unit` is one of Grafana's; `kind`: timeseries, stat, table or heatmap; `hint` explains it to the reader."""

    title: str
    queries: tuple[Query, ...]
    unit: str = "short"
    kind: str = "timeseries"
    hint: str = ""
    warn: float | None = None
    """From where on a number is red."""


@dataclass(frozen=True)
class Row:
    """Panels beside each other, of the same width."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Dashboard:
    """A page. `variables`: choices at its top, each by the query that lists its values."""

    uid: str
    title: str
    rows: tuple[Row, ...]
    variables: dict[str, str] = field(default_factory=dict)


def dashboard(page: Dashboard) -> dict[str, Any]:
    """Return a dashboard as Grafana imports it."""
    panels: list[dict[str, Any]] = []
    for number, row in enumerate(page.rows):
        top = number * (_HEIGHT + 1)
        panels.append({"id": len(panels) + 1, "type": "row", "title": row.title, "gridPos": _place(0, top, _WIDTH, 1)})
        width = _WIDTH // len(row.panels)
        for place, panel in enumerate(row.panels):
            position = _place(place * width, top + 1, width, _HEIGHT)
            panels.append({"id": len(panels) + 1, "gridPos": position, **_panel(panel)})
    return {
        "uid": page.uid,
        "title": page.title,
        "tags": ["trunkline"],
        "editable": False,
        "schemaVersion": 41,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "links": [{"type": "dashboards", "title": "Trunkline", "tags": ["trunkline"], "asDropdown": True}],
        "templating": {"list": [_source(), *(_variable(name, query) for name, query in page.variables.items())]},
        "panels": panels,
    }


def _panel(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.warn is not None:
        steps.append({"color": "red", "value": panel.warn})
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.hint,
        "datasource": _SOURCE,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}},
            "overrides": [],
        },
        "targets": [_target(number, panel, query) for number, query in enumerate(panel.queries)],
    }


def _target(number: int, panel: Panel, query: Query) -> dict[str, Any]:
    return {
        "refId": chr(ord("A") + number),
        "datasource": _SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend,
        "exemplar": panel.kind == "timeseries" and "_bucket" in query.expr,
        "instant": panel.kind == "table",
        "format": "heatmap" if panel.kind == "heatmap" else "table" if panel.kind == "table" else "time_series",
    }


def _place(left: int, top: int, width: int, height: int) -> dict[str, int]:
    return {"x": left, "y": top, "w": width, "h": height}


def _source() -> dict[str, Any]:
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _variable(name: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "query",
        "datasource": _SOURCE,
        "query": query,
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "allValue": ".*",
    }
