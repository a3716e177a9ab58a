"""Reads the scripted model's log: who was answered when, which runs were in trouble, which overlapped."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from dev.chaos.checker.findings import Findings
from dev.chaos.checker.history import MARK, Entry

_OK = 200
_PASSED_ON = "passed on"
_TOO_LONG = 4.0
"""Seconds after which a call counts as a model in trouble: its caller gives up soon."""

_SETTLING = 0.5
"""Seconds in which the model may still see a call that its caller has broken off."""

_FENCE_TAIL = 10.0
"""Seconds after a pause in which a woken process may still make a call that cannot count any more."""


@dataclass(frozen=True)
class Run:
    """One call of the model."""

    started: float
    ended: float
    conversation: str
    asked: frozenset[str]
    """The messages that it was to answer."""
    effected: frozenset[str]
    """The messages whose side effect it was told had happened."""
    trouble: bool


@dataclass(frozen=True)
class Runs:
    """All calls, in order of their beginning. Without any, the log was not kept."""

    all: tuple[Run, ...]

    @classmethod
    def of(cls, calls: Iterable[Entry]) -> "Runs":
        """Read a log."""
        return cls(tuple(sorted((_run(call) for call in calls), key=lambda run: run.started)))

    @cached_property
    def by_mark(self) -> dict[str, list[Run]]:
        """The calls for each message."""
        found: dict[str, list[Run]] = defaultdict(list)
        for run in self.all:
            for mark in run.asked:
                found[mark].append(run)
        return found

    def effected(self) -> list[str]:
        """Return the messages whose side effect the model was told had happened."""
        return sorted({mark for run in self.all for mark in run.effected})

    def in_trouble(self, mark: str, until: float) -> bool:
        """Tell whether the model was in trouble over this message before a moment; true where nobody kept its log."""
        if not self.all:
            return True
        return any(run.trouble and run.started <= until for run in self.by_mark.get(mark, ()))


def find_overlaps(runs: Runs, faults: Sequence[Entry], found: Findings) -> None:
    """Find conversations in which two runs went on at a time; those that fall into the pause of an agent are apart."""
    pauses = [fault for fault in faults if fault["kind"] == "pause" and fault["target"].startswith("agent")]
    latest: dict[str, float] = {}
    for run in runs.all:
        if latest.get(run.conversation, run.started) - run.started > _SETTLING:
            fenced = any(it["at"] <= run.started <= it["until"] + _FENCE_TAIL for it in pauses)
            (found.fenced_runs if fenced else found.verdict.concurrent_runs).append(run.conversation)
        latest[run.conversation] = max(run.ended, latest.get(run.conversation, run.ended))


def _run(call: Entry) -> Run:
    ended = call["ended"] if call["ended"] is not None else float("inf")
    silent = call.get("status", _OK) == _OK and not call.get("answer", "-") and not call.get("tool")
    refused = call.get("status", _OK) not in {_OK, None}
    trouble = bool(call.get("fault")) or refused or silent or ended - call["started"] >= _TOO_LONG
    messages = call["messages"]
    return Run(call["started"], ended, str(call["conversation"]), _asked(messages), _effected(messages), trouble)


def _asked(messages: Iterable[Entry]) -> frozenset[str]:
    """Return the marks of what the person said since the last answer."""
    said: list[str] = []
    for message in messages:
        text = str(message.get("content") or "")
        if message.get("role", "user") == "user":
            said += MARK.findall(text)
        elif message["role"] == "assistant" and text and not message.get("tool_calls"):
            said = []
    return frozenset(said)


def _effected(messages: Iterable[Entry]) -> frozenset[str]:
    """Return the marks in contact forms that were passed on, as the tool answered."""
    wanted: dict[str, list[str]] = {}
    done: set[str] = set()
    for message in messages:
        for request in message.get("tool_calls") or ():
            wanted[request["id"]] = MARK.findall(request["function"]["arguments"])
        if message.get("role") == "tool" and _PASSED_ON in str(message.get("content")):
            done.update(wanted.get(message["tool_call_id"], ()))
    return frozenset(done)
