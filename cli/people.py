"""Commands about people: paired ones, and those who wrote of themselves."""

import sys
from typing import Any

from cli.api import ask
from cli.asking import confirm
from cli.records import send, show_list, show_record
from cli.times import between

_LEADS = {
    "contact": "contact.handle",
    "number": "contact.number",
    "name": "contact.name",
    "platform": "platform",
    "messages": "messages",
    "first seen": "first_seen",
    "last seen": "last_seen",
}


def unbind(binding: str, reason: str, *, goodbye: bool, sure: bool) -> None:
    """End a pairing."""
    confirm("Their number will not speak for the user any more.", sure=sure)
    show_record(ask("DELETE", f"bindings/{binding}", {"reason": reason, "goodbye": goodbye}))


def show_leads(wanted: dict[str, Any], *, since: str | None, until: str | None, csv: bool) -> None:
    """List leads, or print all of them as CSV."""
    query = {**wanted, **between("first_seen", since, until)}
    if csv:
        sys.stdout.write(send("GET", "leads/exports", **query))
        return
    show_list("leads", _LEADS, empty="Each person who writes to an open line becomes a lead.", **query)
