"""What is sold and what was ordered: files that are sent, and places that are fetched from or asked."""

import json
from pathlib import Path
from typing import Any

from cli import asking, records
from cli.api import ask, exchange
from cli.outcome import Exit, fail, is_table, note, say, say_json
from cli.records import Record

_COLUMNS = {
    "id": "id",
    "kind": "kind",
    "origin": "origin",
    "items": "items",
    "imported": "imported_at",
    "failure": "failure",
    "tenant": "tenant",
}
_UPLOAD_SECONDS = 120.0


def take(file: str, kind: str, tenant: str | None, **said: str | None) -> None:
    """Send a file, which takes the place of the one before. `said`: what prices, numbers and words are understood by."""
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        fail(Exit.CONFIGURATION, f"{file}: {error.strerror}")
    query = {"tenant": tenant or records.only_tenant(), **said}
    records.show_record(exchange("PUT", f"imports/{kind}", content, query=query, seconds=_UPLOAD_SECONDS).body)


def connect(body: dict[str, Any], secrets_file: str | None) -> None:
    """Set up a place that is fetched from or asked."""
    records.make("data-sources", {**body, "secrets": secrets(secrets_file)})
    note("See what becomes of it: trunkline catalogue list")


def show_list(tenant: str | None, orders: bool) -> None:
    """Print the sources of items, or of orders, with what was wrong the last time."""
    rows = [row for row in records.items("data-sources", None, tenant=tenant) if (row["kind"] == "order") is orders]
    if not is_table():
        say_json({"items": rows})
        return
    if not rows:
        note("There is none yet.")
    else:
        records.show_rows(_COLUMNS, rows)
    for row in rows:
        for fault in row["faults"]:
            note(f"{row['kind']}, line {fault['line']}, {fault['field'] or 'row'}: {fault['problem']}")


def fetch(source: str) -> None:
    """Have a source fetched now."""
    records.show_record(ask("POST", f"data-sources/{source}/runs"))


def remove(source: str, *, read: str, sure: bool) -> None:
    """Delete a source with all that came from it."""
    records.remove(f"data-sources/{source}", read=read, sure=sure, what=f"{source} and all that came from it")


def search(query: str, kind: str, tenant: str | None, **bounds: Any) -> None:  # noqa: ANN401 - what the API takes
    """Print what an agent would find."""
    rows = [it["id"] for it in records.items("data-sources", None, tenant=tenant) if it["kind"] == kind]
    if len(rows) != 1:
        fail(Exit.NOT_FOUND, f"There are no {kind}s." if not rows else "Say whose: --tenant")
    found = ask("POST", f"data-sources/{rows[0]}/searches", records.given({"query": query, **bounds}))
    if not is_table():
        say_json(found)
        return
    if not found["items"]:
        note("Nothing was found.")
    for item in found["items"]:
        say(_line(item))


def _line(item: Record) -> str:
    price = f"{item['price']:g} {item.get('currency', '')}".strip() if "price" in item else ""
    stock = "" if item["available"] else "not available"
    return ", ".join(filter(None, (item["name"], price, stock, item.get("url"))))


def secrets(file: str | None) -> dict[str, str]:
    """Read a JSON object of secrets from a file."""
    if file is None:
        return {}
    try:
        told = json.loads(asking.secret(file, "The secrets", "--secrets-file"))
    except json.JSONDecodeError:
        told = None
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        fail(Exit.CONFIGURATION, '--secrets-file: a JSON object of texts, such as {"Authorization": "Bearer …"}')
    return told
