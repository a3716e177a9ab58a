"""The wire log: every request in either direction, append-only. Checkers read it."""

import time
from dataclasses import dataclass, field
from typing import Any, Literal

Direction = Literal["to_gateway", "from_gateway"]


@dataclass
class Entry:
    """One request and its answer. `status` is None when there was no answer. `at`: epoch seconds of its beginning."""

    n: int
    at: float
    direction: Direction
    kind: str
    method: str
    url: str
    form: dict[str, str]
    status: int | None = None
    ms: float = 0.0
    response: Any = None
    message_sid: str | None = None
    attempt: str | None = None
    fault: str | None = None

    def end(self, status: int | None, response: Any = None) -> None:  # noqa: ANN401 - whatever was answered
        """Write down the answer."""
        self.status = status
        self.response = response
        self.ms = round((time.time() - self.at) * 1000, 1)


@dataclass
class Wire:
    """The log."""

    entries: list[Entry] = field(default_factory=list)

    def begin(self, direction: Direction, kind: str, method: str, url: str, form: dict[str, str]) -> Entry:
        """Begin an entry; its answer comes later."""
        entry = Entry(len(self.entries) + 1, time.time(), direction, kind, method, url, form)
        self.entries.append(entry)
        return entry

    def after(self, n: int) -> list[dict[str, Any]]:
        """Return the entries behind number `n`."""
        return [vars(entry) for entry in self.entries[n:]]
