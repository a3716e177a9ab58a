"""Nothing lost, nothing doubled, everything in order: one person's history held against it."""

from collections import Counter
from dataclasses import dataclass, field

from dev.chaos.checker.doubts import given_up_on
from dev.chaos.checker.findings import Findings, Verdict
from dev.chaos.checker.history import Answer, Person
from dev.chaos.checker.runs import Runs


@dataclass
class Reply:
    """What one run of the model came to: a message, or several parts."""

    marks: set[str]
    of: int = 1
    parts: list[int] = field(default_factory=list)


def judge(name: str, person: Person, runs: Runs, found: Findings) -> None:
    """Add to the findings what this person's history shows."""
    _doubled(name, person, found.verdict)
    _parts(person, found.verdict)
    _in_order(name, person, found.verdict)
    lost = uncovered(person, runs)
    answered = person.answered_at()
    found.verdict.lost += lost
    found.messages += len(person.accepted)
    found.latencies += [answered[mark] - at for mark, at in person.accepted.items() if mark in answered]
    found.answered += sum(mark in answered for mark in person.accepted)
    given_up = _given_up_marks(person, runs)
    found.given_up += given_up
    found.apologised += sum(mark not in answered for mark in person.accepted) - len(lost) - len(given_up)


def uncovered(person: Person, runs: Runs) -> list[str]:
    """Return what was accepted and neither answered nor, where the model was in trouble, apologised for, nor given up."""
    given_up = _given_up_marks(person, runs)
    return [mark for mark, apologies in _silent(person, runs).items() if not apologies and mark not in given_up]


def _given_up_marks(person: Person, runs: Runs) -> list[str]:
    """Return the messages whose answer, or apology, was rightly given up."""
    given_up = given_up_on(person)
    named = {mark for answer in given_up for mark in answer.marks}
    excuses = [answer for answer in given_up if answer.is_apology]
    return [
        mark
        for mark, apologies in _silent(person, runs).items()
        if not apologies
        and (mark in named or any(person.posted[mark] <= it.at and runs.in_trouble(mark, it.at) for it in excuses))
    ]


def _silent(person: Person, runs: Runs) -> dict[str, list[Answer]]:
    """
    Return what was accepted and not answered, each with the apologies that may be for it.

    Answers come in the order of the messages, so an apology is for a message that stands between the one that was answered
    before it and the one after.
    """
    answered = person.answered_at()
    apologies = [answer for answer in person.answers if answer.is_apology]
    marks = list(person.accepted)
    silent: dict[str, list[Answer]] = {}
    for place, mark in enumerate(marks):
        if mark in answered:
            continue
        since = max((answered[it] for it in marks[:place] if it in answered), default=0.0)
        until = min((answered[it] for it in marks[place:] if it in answered), default=float("inf"))
        since = max(since, person.posted[mark])
        silent[mark] = [it for it in apologies if since <= it.at <= until and runs.in_trouble(mark, it.at)]
    return silent


def _doubled(name: str, person: Person, verdict: Verdict) -> None:
    bodies = Counter(answer.body for answer in person.answers if answer.marks)
    verdict.double_parts += [f"{name}: {body[:40]}" for body, count in bodies.items() if count > 1]
    turns = Counter(mark for reply in _replies(person) for mark in reply.marks)
    verdict.double_turns += [mark for mark, count in turns.items() if count > 1]
    verdict.double_turns += [f"{name}: an apology too many"] * _spare_apologies(person)


def _spare_apologies(person: Person) -> int:
    """Return how many apologies there are beyond one for each message without an answer."""
    silent = _silent(person, Runs.of(()))
    free = set(silent)
    spare = 0
    for apology in (answer for answer in person.answers if answer.is_apology):
        one = next((mark for mark, apologies in silent.items() if mark in free and apology in apologies), None)
        spare += one is None
        free.discard(one or "")
    return spare


def _replies(person: Person) -> list[Reply]:
    """Put parts together; a part that is there already begins another reply."""
    replies: list[Reply] = []
    unfinished: dict[str, Reply] = {}
    for answer in person.answers:
        if answer.part is None:
            replies.append(Reply(set(answer.marks)))
            continue
        number, of, mark = answer.part
        reply = unfinished.get(mark)
        if reply is None or number in reply.parts:
            unfinished[mark] = reply = Reply(set(), of)
            replies.append(reply)
        reply.parts.append(number)
        reply.marks |= set(answer.marks)
    return replies


def _parts(person: Person, verdict: Verdict) -> None:
    given_up = {answer.part for answer in given_up_on(person)}
    for reply in _replies(person):
        if not reply.parts:
            continue
        mark = min(reply.marks)
        spared = {
            number for mark in reply.marks for number in range(1, reply.of + 1) if (number, reply.of, mark) in given_up
        }
        missing = sorted(set(range(1, reply.of + 1)) - set(reply.parts) - spared)
        verdict.lost_parts += [f"{mark}: {number} of {reply.of}" for number in missing]
        if reply.parts != sorted(reply.parts):
            verdict.parts_out_of_order.append(mark)


def _in_order(name: str, person: Person, verdict: Verdict) -> None:
    written = [mark for mark in person.accepted if mark in person.answered_at()]
    answered = [mark for mark in person.answered_at() if mark in person.accepted]
    if answered != written:
        verdict.out_of_order.append(name)
