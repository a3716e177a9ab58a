"""The report, for people and for programs."""

import json
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dev.chaos.checker import Findings
from dev.chaos.trouble import Fault


def quantile(values: Sequence[float], share: float) -> float | None:
    """Return the value below which this share of the values lies; None of nothing."""
    if not values:
        return None
    cut = statistics.quantiles([*values, *values[-1:]], n=100, method="inclusive")
    return round(cut[min(98, int(share * 100) - 1)], 2)


def summary(settings: Mapping[str, Any], found: Findings, faults: Sequence[Fault]) -> dict[str, Any]:
    """Return the whole report as data."""
    every = [value for values in found.recoveries.values() for value in values]
    return {
        "settings": dict(settings),
        "good": found.verdict.good,
        "verdict": asdict(found.verdict),
        "messages": found.messages,
        "answered": found.answered,
        "apologised": found.apologised,
        "fenced_runs": found.fenced_runs,
        "faults": dict(Counter(f"{fault.kind} {fault.target.partition('-')[0]}" for fault in faults)),
        "latency_s": {"p50": quantile(found.latencies, 0.5), "p99": quantile(found.latencies, 0.99)},
        "recovery_s": {
            "p50": quantile(every, 0.5),
            "p99": quantile(every, 0.99),
            "most": round(max(every), 2) if every else None,
            "messages": len(every),
        },
        "recovery_by_fault_s": {
            kind: {"messages": len(values), "p50": quantile(values, 0.5), "most": round(max(values), 2)}
            for kind, values in sorted(found.recoveries.items())
        },
        "doubts": [asdict(doubt) for doubt in found.doubts],
    }


def write(folder: Path, name: str, report: Mapping[str, Any]) -> None:
    """Write the report as JSON and as Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(markdown(report), encoding="utf-8")


def markdown(report: Mapping[str, Any]) -> str:
    """Return the report as a page."""
    settings = ", ".join(f"{name} {value}" for name, value in report["settings"].items())
    lines = [
        f"# Chaos: {'every promise kept' if report['good'] else 'PROMISES BROKEN'}",
        "",
        f"{settings}.",
        "",
        "| Promise | Broken |",
        "|---|---|",
        *(f"| {name.replace('_', ' ')} | {len(values)} |" for name, values in report["verdict"].items()),
        "",
        _figures(report),
        "",
        "| Fault | Times |",
        "|---|---|",
        *(f"| {kind} | {count} |" for kind, count in sorted(report["faults"].items())),
        "",
        "| Recovery after | Messages | p50 s | most s |",
        "|---|---|---|---|",
        *(
            f"| {kind} | {row['messages']} | {row['p50']} | {row['most']} |"
            for kind, row in report["recovery_by_fault_s"].items()
        ),
        "",
        "| Doubtful send | Ended | s |",
        "|---|---|---|",
        *(f"| {doubt['why']} | {doubt['ended']} | {doubt['seconds']} |" for doubt in report["doubts"]),
        "",
    ]
    broken = [f"- {name}: {', '.join(map(str, values[:20]))}" for name, values in report["verdict"].items() if values]
    return "\n".join([*lines, *broken]).rstrip() + "\n"


def _figures(report: Mapping[str, Any]) -> str:
    latency, recovery = report["latency_s"], report["recovery_s"]
    return (
        f"{report['messages']} messages, {report['answered']} answered, {report['apologised']} apologised for. Latency p50 "
        f"{latency['p50']} s, p99 {latency['p99']} s. Recovery from a fault, the model's own time taken off and doubtful sends "
        f"apart: p50 {recovery['p50']} s, p99 {recovery['p99']} s, most {recovery['most']} s over {recovery['messages']} "
        f"messages. Runs of a paused process beside their successor, fenced: {report['fenced_runs']}."
    )
