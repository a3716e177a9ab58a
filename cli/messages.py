"""Messages: listed, one by one with what happened to each, and as they come."""

import time
from collections import deque
from typing import Any

from cli.api import ask
from cli.choices import Output, chosen
from cli.conversations import in_a_line
from cli.outcome import is_table, say, say_json, say_table
from cli.records import Record, cell, field, send, show_record
from cli.records import show_list as list_records
from cli.times import between

_COLUMNS = {
    "id": "id",
    "time": "created_at",
    "direction": "direction",
    "contact": "contact.handle",
    "status": "status",
    "ms": "latency_ms",
    "text": "text",
}
_EVERY = 1.0
_PAGE = 200
"""How many of the newest are looked at each time: what is late comes in before those that are known."""


def show_list(wanted: dict[str, Any], *, number: str | None, since: str | None, until: str | None) -> None:
    """List messages; a number goes in a header, because URLs are logged."""
    span = between("created_at", since, until)
    list_records("messages", _COLUMNS, empty="Nothing matches.", headers=_header(number), **wanted, **span)


def show(message: str) -> None:
    """Print a message and its steps."""
    found = ask("GET", f"messages/{message}")
    if not is_table():
        say_json(found)
        return
    show_record({name: value for name, value in found.items() if name != "timeline"})
    say()
    rows = [(cell(step["at"]), step["step"], _facts(step)) for step in found["timeline"]]
    say_table(("TIME", "STEP", "WHAT"), rows)


def tail(tenant: str | None, number: str | None, lines: int) -> None:
    """Print the last messages, then each as it comes, until interrupted."""
    if not is_table():
        chosen.output = Output.JSONL
    known: deque[str] = deque(maxlen=_PAGE * 10)
    newest = _newest(tenant, number)
    known.extend(message["id"] for message in newest[lines:])
    while True:
        for message in newest[::-1]:
            if message["id"] not in known:
                known.append(message["id"])
                _print(message)
        time.sleep(_EVERY)
        newest = _newest(tenant, number)


def _newest(tenant: str | None, number: str | None) -> list[Record]:
    page: list[Record] = send("GET", "messages", tenant=tenant, headers=_header(number), limit=_PAGE)["items"]
    return page


def _print(message: Record) -> None:
    if not is_table():
        say_json(message)
        return
    who = field(message, "contact.name") or field(message, "contact.handle") or "?"
    say(f"{in_a_line(message)}  {cell(who)}")


def _header(number: str | None) -> dict[str, str] | None:
    return None if number is None else {"Contact-Address": number}


def _facts(step: Record) -> str:
    return ", ".join(f"{name} {cell(value)}" for name, value in step.items() if name not in {"at", "step"} and value)
