"""The report, for people and for programs."""

import gzip
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dev.chaos.checker import Findings
from dev.chaos.trouble import Fault

_SHOWN = 20
_RECOVERY = (
    "From each fault to the answer of each message that waited when it happened, the model's own time taken off. "
    "Apart: messages that waited for a doubtful send or for a model in trouble."
)


def quantile(values: Sequence[float], share: float) -> float | None:
    """Return the least value that this share of the values does not exceed; None of nothing."""
    if not values:
        return None
    return round(sorted(values)[max(0, math.ceil(share * len(values)) - 1)], 2)


def summary(
    settings: Mapping[str, Any], found: Findings, faults: Sequence[Fault], *, finished: bool, died: int, seconds: float
) -> dict[str, Any]:
    """Return the whole report as data. `finished`: everything was written, and everything died that was to die."""
    kinds = sorted({*found.recoveries, *found.held})
    return {
        "settings": dict(settings),
        "seconds": round(seconds),
        "good": found.verdict.good and finished,
        "finished": finished,
        "verdict": asdict(found.verdict),
        "messages": found.messages,
        "answered": found.answered,
        "apologised": found.apologised,
        "given_up": found.given_up,
        "fenced_runs": found.fenced_runs,
        "died": died,
        "faults": dict(Counter(f"{fault.kind} {fault.target.partition('-')[0]}" for fault in faults)),
        "latency_s": _spread(found.latencies),
        "recovery_s": {
            kind: _spread(found.recoveries.get(kind, ())) | {"held": found.held.get(kind, 0)} for kind in kinds
        },
        "recovery_from_last_fault_s": _spread(found.last_recoveries),
        "doubts": [asdict(doubt) for doubt in found.doubts],
        "fault_log": [asdict(fault) for fault in faults],
    }


def write(folder: Path, name: str, report: Mapping[str, Any]) -> None:
    """Write the report as JSON and as Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(markdown(report), encoding="utf-8")


def keep(file: Path, history: Mapping[str, Any]) -> None:
    """Write down what a report was made from."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(file, "wt", encoding="utf-8") as packed:
        json.dump(history, packed)


def markdown(report: Mapping[str, Any]) -> str:
    """Return the report as a page; its `title` is Chaos if it has none."""
    settings = ", ".join(f"{name} {value}" for name, value in report["settings"].items() if value != "")
    lines = [
        f"# {report.get('title', 'Chaos')}: {'every promise kept' if report['good'] else 'PROMISES BROKEN'}",
        "",
        f"{settings}.",
        "",
        *_table(("Promise", "Broken"), ((_words(name), len(them)) for name, them in report["verdict"].items())),
        *_broken(report),
        _figures(report),
        "",
        *_table(("Fault", "Times"), sorted(report["faults"].items())),
        _RECOVERY,
        "",
        *_table(
            ("Fault", "Messages", "p50 s", "p99 s", "most s", "Apart"),
            (
                (kind, row["count"], row["p50"], row["p99"], row["most"], row["held"])
                for kind, row in report["recovery_s"].items()
            ),
        ),
        *_table(("Doubtful sends", "Ended", "Times", "s at most", "Asked", "of it unanswered"), _doubts(report)),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _figures(report: Mapping[str, Any]) -> str:
    latency, last = report["latency_s"], report["recovery_from_last_fault_s"]
    end = "" if report["finished"] else " THE TIME WAS OVER BEFORE EVERYTHING WAS WRITTEN AND HAD DIED."
    return (
        f"{report['messages']} messages in {report['seconds']} s, {report['answered']} answered, {report['apologised']} "
        f"apologised for, {len(report['given_up'])} given up after two doubtful sends; {report['died']} processes died. Latency p50 {latency['p50']} s, p95 {latency['p95']} s, p99 "
        f"{latency['p99']} s. From the last fault to the answer: p50 {last['p50']} s, p99 {last['p99']} s, most "
        f"{last['most']} s over {last['count']} messages. Runs of a paused process beside its successor, fenced: "
        f"{len(report['fenced_runs'])}.{end}"
    )


def _broken(report: Mapping[str, Any]) -> list[str]:
    """List what is wrong, the first of each kind."""
    wrong = {name: them for name, them in report["verdict"].items() if them}
    lines = [f"- {_words(name)}: {', '.join(map(str, them[:_SHOWN]))}" for name, them in wrong.items()]
    return [*lines, ""] if lines else []


def _doubts(report: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
    """Count doubtful sends by cause and end."""
    alike: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for doubt in report["doubts"]:
        alike.setdefault((doubt["why"], doubt["ended"]), []).append(doubt)
    for (why, ended), them in sorted(alike.items()):
        asked, held = sum(it["asked"] for it in them), sum(it["held"] for it in them)
        yield why, ended, len(them), max(it["seconds"] for it in them), asked, held


def _spread(values: Sequence[float]) -> dict[str, float | int | None]:
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "most": 1.0}
    return {"count": len(values)} | {name: quantile(values, share) for name, share in shares.items()}


def _table(head: Sequence[str], rows: Sequence[Sequence[object]] | Iterator[Sequence[object]]) -> list[str]:
    drawn = [f"| {' | '.join(map(str, row))} |" for row in rows]
    return [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *drawn, ""] if drawn else []


def _words(name: str) -> str:
    return name.replace("_", " ")
