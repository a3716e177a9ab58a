"""Two people who change one thing: whoever is second sees both versions, and nothing is lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.console.authors import Author, last_author
from services.console.pages.view import View
from services.console.records import Unknown
from shared.store.session import Store


@dataclass(frozen=True)
class Conflict:
    """`differs`: fields by name, with the value that is in force and the one that was typed."""

    author: Author | None
    differs: Mapping[str, tuple[Any, Any]]


async def conflict(store: Store, view: View, now: Mapping[str, Any], typed: Mapping[str, Any]) -> Conflict:
    """Return who changed a row meanwhile, and what somebody else would have it be."""
    try:
        author = await last_author(store, view.who, now["id"], "line.changed", "tenant.changed", "agent.changed")
    except Unknown:
        author = None
    return Conflict(author, {name: (now[name], value) for name, value in typed.items() if now.get(name) != value})
