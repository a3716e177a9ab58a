"""
The checker: what the logs of the simulator and of the scripted model say about the promises (safety.md, section 1).

It shares no code with what it checks. Every message carries a mark, `[person-number]`, and every answer quotes the marks
that it covers; an answer in several parts says in each which part of how many it is, `<2/3 person-number>`.
"""

from collections.abc import Mapping, Sequence

from dev.chaos.checker.doubts import doubts_of
from dev.chaos.checker.findings import Doubt, Findings, Verdict
from dev.chaos.checker.history import Entry, read
from dev.chaos.checker.promises import judge, uncovered
from dev.chaos.checker.recovery import measure
from dev.chaos.checker.runs import Runs, find_overlaps

__all__ = ["Doubt", "Findings", "Verdict", "check", "unanswered"]


def check(
    wire: Sequence[Entry], calls: Sequence[Entry], faults: Sequence[Entry], effects: Mapping[str, int]
) -> Findings:
    """
    Hold the logs against the promises.

    `calls`: the model's log; without it every apology counts as earned. `effects`: how often the side effect of each mark
    is stored; empty where nobody counted.
    """
    runs = Runs.of(calls)
    found = Findings(Verdict(double_effects=[mark for mark, count in effects.items() if count > 1]))
    found.verdict.lost_effects += [mark for mark in runs.effected() if effects and mark not in effects]
    for name, person in read(wire).items():
        doubts = doubts_of(name, person)
        found.doubts += doubts
        judge(name, person, runs, found)
        measure(person, runs, faults, doubts, found)
    find_overlaps(runs, faults, found)
    return found


def unanswered(wire: Sequence[Entry], calls: Sequence[Entry] = ()) -> int:
    """Return how many accepted messages have neither an answer nor an apology yet."""
    runs = Runs.of(calls)
    return sum(len(uncovered(person, runs)) for person in read(wire).values())
