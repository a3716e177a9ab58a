"""Reads the simulator's wire log: what each person wrote and got."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Entry = Mapping[str, Any]

MARK = re.compile(r"\[(\d+-\d+)\]")
_PART = re.compile(r"<(\d+)/(\d+) (\d+-\d+)>")
_APOLOGY = re.compile(r"^Sorry, I could not work out an answer")
_OK = 200


@dataclass(frozen=True)
class Answer:
    """A message that Twilio took for a person, whatever it answered."""

    at: float
    body: str

    @property
    def marks(self) -> list[str]:
        """Return the messages that it covers."""
        return list(dict.fromkeys(MARK.findall(self.body)))

    @property
    def part(self) -> tuple[int, int, str] | None:
        """Return which part of how many it is, and of the answer to what."""
        found = _PART.search(self.body)
        return (int(found[1]), int(found[2]), found[3]) if found else None

    @property
    def is_apology(self) -> bool:
        """Tell whether it says that there is no answer."""
        return _APOLOGY.match(self.body) is not None


@dataclass
class Person:
    """What one person wrote and got, in the order of the log. Times are epoch seconds."""

    posted: dict[str, float] = field(default_factory=dict)
    """When each message was first posted. It may be kept, and answered, although that post had no answer."""
    accepted: dict[str, float] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    sends: list[Entry] = field(default_factory=list)
    """Each attempt to send them something, and each question after what was sent to them."""
    reports: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """By message: when a callback about it was taken."""

    def answered_at(self) -> dict[str, float]:
        """Return when each message was first answered."""
        first: dict[str, float] = {}
        for answer in self.answers:
            for mark in answer.marks:
                first.setdefault(mark, answer.at)
        return first


def read(wire: Iterable[Entry]) -> dict[str, Person]:
    """Read a wire log, by person."""
    people: dict[str, Person] = defaultdict(Person)
    for entry in wire:
        form = entry.get("form") or {}
        match entry["kind"]:
            case "inbound":
                person = people[form["From"]]
                for mark in MARK.findall(form.get("Body", "")):
                    person.posted.setdefault(mark, entry["at"])
                    if entry["status"] == _OK:
                        person.accepted.setdefault(mark, entry["at"])
            case "message.create":
                person = people[form.get("To", "")]
                person.sends.append(entry)
                if entry.get("message_sid"):
                    person.answers.append(Answer(entry["at"], form.get("Body", "")))
            case "message.list" if form.get("From"):
                people[form.get("To", "")].sends.append(entry)
            case "status" if entry["status"] is not None and entry["status"] // 100 == _OK // 100:
                people[form["To"]].reports[form["MessageSid"]].append(entry["at"])
    return people
