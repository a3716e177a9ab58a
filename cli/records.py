"""What is done with most nouns alike: list, show, make, change and remove the API's records, and print them."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from cli.api import ask, exchange
from cli.choices import Output, chosen
from cli.outcome import CommandFailed, Exit, fail, form, is_table, note, say, say_json, say_table

Record = Mapping[str, Any]
Columns = Mapping[str, str]
"""Headings of a table, and which field each shows."""

_PAGE = 200
_WATCH_EVERY = 2.0
_WIDEST = 60
NONE = "none"
"""What is said for no value at all, where that is one."""


def show_list(path: str, columns: Columns, *, empty: str = "There is none.", **query: Any) -> None:  # noqa: ANN401 - whatever a query can say
    """Print the newest, once or again and again. `empty`: what a person is told where there is none."""
    repeat(lambda: _show_list(path, columns, empty, query))


def repeat(look: Callable[[], None]) -> None:
    """Look once or, where it was asked for, every two seconds until interrupted."""
    look()
    while chosen.watch:
        time.sleep(_WATCH_EVERY)
        if is_table():
            say("\033[2J\033[H" if not chosen.plain else "")
        look()


def show(path: str) -> None:
    """Print one record."""
    show_record(ask("GET", path))


def make(path: str, body: Record) -> None:
    """Make a record, and print it."""
    show_record(send("POST", path, given(body)))


def change(path: str, body: Record, *, read: str) -> None:
    """Change a record as it is now, and print it. `read`: the command that shows it."""
    changes = given(body)
    if not changes:
        fail(Exit.CONFIGURATION, "Say what shall be different. See --help.")
    show_record(versioned("PATCH", path, changes, read=read))


def versioned(method: str, path: str, body: dict[str, Any] | None = None, *, read: str, below: str = "") -> Any:  # noqa: ANN401 - JSON
    """Change or delete a record, or ask for something `below` it that changes it, unless somebody else changes it meanwhile."""
    etag = exchange("GET", path).etag
    try:
        return exchange(method, path + below, body, headers={"If-Match": etag}).body
    except CommandFailed as failed:
        if failed.problem.get("code") != "changed_meanwhile":
            raise
        again = f"Somebody else changed it at the same time; nothing was changed here. Read it again: trunkline {read}"
        raise CommandFailed(failed.status, again, failed.problem) from None


def remove(path: str, *, read: str, sure: bool, what: str) -> None:
    """Delete a record for good."""
    from cli.asking import confirm

    confirm(f"This deletes {what} for good.", sure=sure)
    versioned("DELETE", path, read=read)
    note("Deleted.")


def send(method: str, path: str, body: dict[str, Any] | None = None, **query: Any) -> Any:  # noqa: ANN401 - JSON
    """Ask; where the API has to be told whose it is and there is one tenant alone, tell it."""
    try:
        return ask(method, path, body, **query)
    except CommandFailed as failed:
        if failed.problem.get("code") != "tenant_missing":
            raise
    tenant = only_tenant()
    if body is not None:
        return ask(method, path, {**body, "tenant": tenant})
    return ask(method, path, **{**query, "tenant": tenant})


def items(path: str, most: int | None, **query: Any) -> Iterator[Record]:  # noqa: ANN401 - whatever a query can say
    """Yield a list's records, page after page as they are needed."""
    page = send("GET", path, **query, limit=min(_PAGE, most or _PAGE))
    while True:
        yield from page["items"]
        if not (cursor := page.get("next_cursor")):
            return
        page = send("GET", path, **query, limit=_PAGE, cursor=cursor)


def given(body: Record) -> dict[str, Any]:
    """Return what was said; the word `none` is no value."""
    return {name: None if value == NONE else value for name, value in body.items() if value is not None}


def show_record(record: Record) -> None:
    """Print one record: a field on each line for a person."""
    if not is_table():
        say_json(record)
        return
    width = max((len(name) for name in record), default=0)
    for name, value in record.items():
        if value is not None:
            say(f"{name.ljust(width)}  {cell(value)}")


def show_rows(columns: Columns, records: list[Record]) -> None:
    """Print records as a table."""
    rows = [[_short(cell(field(record, name))) for name in columns.values()] for record in records]
    say_table([heading.upper() for heading in columns], rows)


def field(record: Record, name: str) -> Any:  # noqa: ANN401 - JSON
    """Return a field, within another where its name has a dot."""
    value: Any = record
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def cell(value: Any) -> str:  # noqa: ANN401 - JSON
    """Return a value in words."""
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case list() if all(isinstance(it, str) for it in value):
            return ", ".join(value)
        case list() | dict():
            return json.dumps(value, ensure_ascii=False)
        case str() if _is_time(value):
            return value[:19].replace("T", " ")
    return str(value)


def _show_list(path: str, columns: Columns, empty: str, query: dict[str, Any]) -> None:
    most = None if chosen.every else chosen.limit
    found = islice(items(path, most, **query), most)
    if form() is Output.JSONL:
        for record in found:
            say_json(record)
        return
    records = list(found)
    if not is_table():
        say_json({"items": records})
    elif records:
        show_rows(columns, records)
    else:
        note(empty)
    if len(records) == most:
        note(f"The newest {most}. More: --limit N, or --all")


def only_tenant() -> str:
    """Return the id of the only tenant; end the command where there are several."""
    found = ask("GET", "tenants", limit=_PAGE)["items"]
    if len(found) != 1:
        fail(Exit.CONFIGURATION, f"Say whose: --tenant, one of {', '.join(it['id'] for it in found)}")
    return str(found[0]["id"])


def _short(text: str) -> str:
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _is_time(text: str) -> bool:
    return len(text) > 18 and text[4:5] == text[7:8] == "-" and text[10:11] == "T" and text[13:14] == ":"  # noqa: PLR2004 - 2026-11-25T10:00:00
