"""The wire log: every request in either direction, append-only. Checkers read it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dev.simulator.news import News

Direction = Literal["to_gateway", "from_gateway"]

_CREDENTIALS = {"authorization", "cookie"}


@dataclass
class Entry:
    """
    One request and its answer. `status` is None when there was no answer. `at`: epoch seconds of its beginning.

    `reached`: where it really went, in place of the public name; `document`: the body where it was JSON; `remark`: what is odd
    about the answer; `changed`: the version of the news that told of it last.
    """

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
    remark: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    reached: str | None = None
    document: Any = None
    ended: bool = False
    changed: int = 0


@dataclass
class Wire:
    """The log. `news`: told of each request and of its answer."""

    news: News = field(default_factory=News)
    entries: list[Entry] = field(default_factory=list)

    def begin(  # noqa: PLR0917 - what a request consists of
        self,
        direction: Direction,
        kind: str,
        method: str,
        url: str,
        form: dict[str, str],
        headers: Mapping[str, str] | None = None,
    ) -> Entry:
        """Begin an entry; its answer comes later. Of the headers those are kept that prove nobody's login."""
        kept = {name: value for name, value in (headers or {}).items() if name.lower() not in _CREDENTIALS}
        entry = Entry(len(self.entries) + 1, time.time(), direction, kind, method, url, form, headers=kept)
        self.entries.append(entry)
        entry.changed = self.news.tell()
        return entry

    def end(self, entry: Entry, status: int | None, response: Any = None) -> None:  # noqa: ANN401 - whatever was answered
        """Write down the answer, None where there was none."""
        entry.status = status
        entry.response = response
        entry.ms = round((time.time() - entry.at) * 1000, 1)
        entry.ended = True
        entry.changed = self.news.tell()

    def after(self, n: int) -> list[dict[str, Any]]:
        """Return the entries behind number `n`."""
        return [vars(entry) for entry in self.entries[n:]]

    def changed_since(self, version: int, most: int) -> list[dict[str, Any]]:
        """Return those of the newest `most` entries that began or ended after this version of the news."""
        return [vars(entry) for entry in self.entries[-most:] if entry.changed > version]
