"""
The history checker: reads the simulator's wire log and says what was lost, doubled or out of order.

It knows nothing of the services. Each message carries a mark, `[person-number]`, and the scripted model quotes what it
answers, so a reply shows by its marks which messages it covers.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MARK = re.compile(r"\[(\d+-\d+)\]")


@dataclass(frozen=True)
class History:
    """What the wire shows: marks as they were accepted, and as the phones got them, by person."""

    accepted: Mapping[str, Sequence[str]]
    answered: Mapping[str, Sequence[str]]
    doubled_parts: Sequence[str]


@dataclass
class Verdict:
    """What is wrong; all empty when the promises were kept."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    doubled_parts: list[str] = field(default_factory=list)


def read(wire: Iterable[Mapping[str, Any]]) -> History:
    """Read a wire log."""
    accepted: dict[str, list[str]] = defaultdict(list)
    answered: dict[str, list[str]] = defaultdict(list)
    bodies: dict[str, set[str]] = defaultdict(set)
    doubled: list[str] = []
    for entry in wire:
        form = entry.get("form") or {}
        if entry["kind"] == "inbound" and entry["status"] == 200:
            for mark in MARK.findall(form.get("Body", "")):
                if mark not in accepted[form["From"]]:
                    accepted[form["From"]].append(mark)
        elif entry["kind"] == "message.create" and entry.get("message_sid"):
            body = form.get("Body", "")
            answered[form["To"]].extend(MARK.findall(body))
            if body in bodies[form["To"]] and MARK.search(body):
                doubled.append(body)
            bodies[form["To"]].add(body)
    return History(accepted, answered, doubled)


def judge(history: History) -> Verdict:
    """Hold a history against the promises: each accepted message answered, once, in order; no part sent twice."""
    verdict = Verdict(doubled_parts=list(history.doubled_parts))
    for person, marks in history.accepted.items():
        got = list(history.answered.get(person, ()))
        verdict.lost += [mark for mark in marks if mark not in got]
        verdict.doubled += [mark for mark in marks if got.count(mark) > 1]
        if [mark for mark in dict.fromkeys(got) if mark in marks] != [mark for mark in marks if mark in got]:
            verdict.out_of_order.append(person)
    return verdict
