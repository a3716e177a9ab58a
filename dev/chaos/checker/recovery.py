"""How long the answers took that were waited for when something died or paused."""

from collections.abc import Iterable, Sequence

from dev.chaos.checker.findings import Doubt, Findings
from dev.chaos.checker.history import Entry, Person
from dev.chaos.checker.runs import Run, Runs

_SUDDEN = ("SIGKILL", "SIGTERM", "pause")
"""Faults that happen when they are written down. What is ordered of Twilio or of the model strikes some time later."""

_SINGLE = ("nats", "postgres")
"""Nobody stands in for them: while one is paused there is nothing to recover, so its recovery begins when it goes on."""


def measure(person: Person, runs: Runs, faults: Sequence[Entry], doubts: Sequence[Doubt], found: Findings) -> None:
    """
    Measure from each fault to the answer of each message that waited then, without the model's own time.

    What waited for a doubtful send, or for a model in trouble, waited for that and not for the fault: counted apart.
    """
    sudden = [fault for fault in faults if fault["kind"] in _SUDDEN]
    for mark, answered in person.answered_at().items():
        accepted = person.accepted.get(mark, answered)
        meanwhile = [fault for fault in sudden if accepted <= fault["at"] < answered]
        thinking = runs.by_mark.get(mark, [])
        for fault in meanwhile:
            kind = f"{fault['kind']} {fault['target'].partition('-')[0]}"
            if _excused(fault["at"], answered, doubts, thinking):
                found.held[kind] = found.held.get(kind, 0) + 1
                continue
            took = _without(thinking, min(_began(fault), answered), answered)
            found.recoveries.setdefault(kind, []).append(took)
            if fault is meanwhile[-1]:
                found.last_recoveries.append(took)


def _began(fault: Entry) -> float:
    """Return when one may begin to recover from a fault."""
    single = fault["target"].partition("-")[0] in _SINGLE
    return float(fault["until"] if fault["kind"] == "pause" and single else fault["at"])


def _excused(since: float, until: float, doubts: Iterable[Doubt], thinking: Iterable[Run]) -> bool:
    return any(doubt.at <= until and doubt.until >= since for doubt in doubts) or any(
        run.trouble and run.started <= until and run.ended >= since for run in thinking
    )


def _without(thinking: Iterable[Run], since: float, until: float) -> float:
    """Return the seconds between two moments in which the model did not think."""
    took, at = 0.0, since
    for run in thinking:
        began = min(max(run.started, at), until)
        took += began - at
        at = min(max(run.ended, began), until)
    return took + until - at
