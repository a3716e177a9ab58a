"""
The checker: what the logs of the simulator and of the scripted model say about the promises (safety.md, section 1).

It shares no code with the services. Every message carries a mark, `[person-number]`, and every answer quotes the marks that
it covers; an answer in several parts says in each which part of how many it is, `<2/3 person-number>`.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

_MARK = re.compile(r"\[(\d+-\d+)\]")
_PART = re.compile(r"<(\d+)/(\d+) (\d+-\d+)>")
_APOLOGY = re.compile(r"^Sorry, I could not work out an answer")
_CREATED, _OK = 201, 200
_SETTLING = 0.5
"""Seconds in which the model may still see a call that its caller has broken off."""

_FENCE_TAIL = 20.0
"""Seconds after a pause in which a woken process may still finish a call that cannot count any more."""

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Doubt:
    """A send whose outcome was not known at first, and how that ended."""

    at: float
    to: str
    why: str
    ended: str
    seconds: float


@dataclass
class Verdict:
    """What is wrong, by promise; all empty when every promise was kept."""

    lost: list[str] = field(default_factory=list)
    double_turns: list[str] = field(default_factory=list)
    double_parts: list[str] = field(default_factory=list)
    double_effects: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    parts_out_of_order: list[str] = field(default_factory=list)
    concurrent_runs: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Tell whether nothing is wrong."""
        return not any(vars(self).values())


@dataclass
class Findings:
    """The verdict, and what there is to know beside it. Times in seconds."""

    verdict: Verdict
    messages: int = 0
    answered: int = 0
    apologised: int = 0
    fenced_runs: int = 0
    latencies: list[float] = field(default_factory=list)
    recoveries: dict[str, list[float]] = field(default_factory=dict)
    doubts: list[Doubt] = field(default_factory=list)


@dataclass
class Person:
    """What one person wrote and got. Times are epoch seconds."""

    accepted: dict[str, float] = field(default_factory=dict)
    answers: list[tuple[float, str, list[str]]] = field(default_factory=list)
    """When, the body, and its marks; in the order in which Twilio took them."""
    asked: list[float] = field(default_factory=list)
    """When Twilio was asked what had been sent to them."""
    doubtful: list[Entry] = field(default_factory=list)

    def answered_at(self, mark: str) -> float | None:
        """Return when a message was first answered."""
        return next((at for at, _, marks in self.answers if mark in marks), None)

    def apologised_after(self, at: float) -> bool:
        """Tell whether the person got an apology after a moment."""
        return any(when >= at and _APOLOGY.match(body) for when, body, _ in self.answers)


def check(
    wire: Sequence[Entry], calls: Sequence[Entry], faults: Sequence[Entry], effects: Mapping[str, int]
) -> Findings:
    """Hold the logs against the promises. `effects`: how often the side effect of each mark is stored."""
    people = _people(wire)
    found = Findings(Verdict(double_effects=[mark for mark, count in effects.items() if count > 1]))
    for name, person in people.items():
        _check_person(name, person, found)
        _recoveries(person, calls, faults, found)
        found.doubts += _doubts(name, person)
    _concurrent(calls, faults, found)
    return found


def unanswered(wire: Sequence[Entry]) -> int:
    """Return how many accepted messages have neither an answer nor an apology yet."""
    return sum(
        person.answered_at(mark) is None and not person.apologised_after(at)
        for person in _people(wire).values()
        for mark, at in person.accepted.items()
    )


def _people(wire: Iterable[Entry]) -> dict[str, Person]:
    people: dict[str, Person] = defaultdict(Person)
    for entry in wire:
        form = entry.get("form") or {}
        if entry["kind"] == "inbound" and entry["status"] == _OK:
            for mark in _MARK.findall(form.get("Body", "")):
                people[form["From"]].accepted.setdefault(mark, entry["at"])
        elif entry["kind"] == "message.create":
            person, body = people[form.get("To", "")], form.get("Body", "")
            if entry.get("message_sid"):
                person.answers.append((entry["at"], body, _MARK.findall(body)))
            if entry["status"] != _CREATED and entry.get("fault") != "429":
                person.doubtful.append(entry)
        elif entry["kind"] == "message.list" and form.get("From"):
            people[form.get("To", "")].asked.append(entry["at"])
    return people


def _check_person(name: str, person: Person, found: Findings) -> None:
    verdict = found.verdict
    whole: Counter[str] = Counter()
    for _, body, marks in person.answers:
        parts = _PART.findall(body)
        whole.update(set(marks) - {mark for _, _, mark in parts} if parts else set(marks))
    bodies = Counter(body for _, body, _ in person.answers if _MARK.search(body))
    verdict.double_parts += [f"{name}: {body[:40]}" for body, count in bodies.items() if count > 1]
    verdict.double_turns += [mark for mark, count in whole.items() if count > 1]
    _check_parts(person, verdict)
    for mark, at in person.accepted.items():
        found.messages += 1
        answered = person.answered_at(mark)
        if answered is not None:
            found.answered += 1
            found.latencies.append(answered - at)
        elif person.apologised_after(at):
            found.apologised += 1
        else:
            verdict.lost.append(mark)
    order = list(dict.fromkeys(mark for _, _, marks in person.answers for mark in marks if mark in person.accepted))
    if order != sorted(order, key=lambda mark: int(mark.partition("-")[2])):
        verdict.out_of_order.append(name)


def _check_parts(person: Person, verdict: Verdict) -> None:
    seen: dict[str, list[int]] = defaultdict(list)
    for _, body, _ in person.answers:
        for number, _, mark in _PART.findall(body):
            seen[mark].append(int(number))
    for mark, numbers in seen.items():
        if len(set(numbers)) < len(numbers):
            verdict.double_turns.append(mark)
        if numbers != sorted(numbers):
            verdict.parts_out_of_order.append(mark)


def _recoveries(person: Person, calls: Sequence[Entry], faults: Sequence[Entry], found: Findings) -> None:
    """Measure from the last fault before each answer, the model's own time taken off; doubtful sends are left apart."""
    for mark, at in person.accepted.items():
        answered = person.answered_at(mark)
        if answered is None:
            continue
        meanwhile = [fault for fault in faults if at <= fault["at"] <= answered]
        doubtful = [
            moment for moment in (*person.asked, *(it["at"] for it in person.doubtful)) if at <= moment <= answered
        ]
        if not meanwhile or doubtful:
            continue
        last = meanwhile[-1]
        thinking = sum(
            max(0.0, min(call["ended"] or answered, answered) - max(call["started"], last["at"]))
            for call in calls
            if call["started"] <= answered
            and any(f"[{mark}]" in str(it.get("content")) for it in call["messages"][-3:])
        )
        recovery = max(0.0, answered - last["at"] - thinking)
        found.recoveries.setdefault(f"{last['kind']} {last['target'].partition('-')[0]}", []).append(recovery)


def _doubts(name: str, person: Person) -> list[Doubt]:
    doubts = []
    for entry in person.doubtful:
        body, at = entry["form"].get("Body", ""), entry["at"]
        again = next((when for when, said, _ in person.answers if said == body and when > at), None)
        asked = next((moment for moment in person.asked if moment > at), None)
        if entry.get("message_sid"):
            ended = "found in the list" if asked else "told by its callback"
            until = asked or at
        else:
            ended, until = ("sent once more", again) if again else ("not sent", at)
        doubts.append(Doubt(at, name, entry.get("fault") or "no answer", ended, round(until - at, 1)))
    known = [entry["at"] for entry in person.doubtful]
    if person.asked and not known:
        first = person.asked[0]
        later = next((when for when, _, _ in person.answers if when > first), None)
        doubts.append(
            Doubt(
                first,
                name,
                "sender died",
                "sent once more" if later else "found in the list",
                round((later or first) - first, 1),
            )
        )
    return doubts


def _concurrent(calls: Sequence[Entry], faults: Sequence[Entry], found: Findings) -> None:
    by_conversation: dict[str, list[Entry]] = defaultdict(list)
    for call in calls:
        by_conversation[str(call["conversation"])].append(call)
    pauses = [fault for fault in faults if fault["kind"] == "pause"]
    for conversation, mine in by_conversation.items():
        for before, after in pairwise(sorted(mine, key=lambda call: float(call["started"]))):
            if (before["ended"] or float("inf")) - after["started"] <= _SETTLING:
                continue
            if any(pause["at"] - 1 <= after["started"] <= pause["until"] + _FENCE_TAIL for pause in pauses):
                found.fenced_runs += 1
            else:
                found.verdict.concurrent_runs.append(conversation)
