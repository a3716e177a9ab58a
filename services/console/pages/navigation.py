"""What the sidebar leads to. A page that is not named here is reached from another one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.console.access import Principal


def _(text: str) -> str:
    """Mark a text for the catalogues; it is translated where it is shown."""
    return text


@dataclass(frozen=True)
class Item:
    """A way to a page. `icon`: of the sprite. `scope`: what it takes to see it; `platform`: as the page's `may` says."""

    path: str
    label: str
    icon: str
    scope: str
    platform: bool = False

    def is_for(self, who: Principal) -> bool:
        """Tell whether somebody may go there."""
        return who.may(self.scope) and (who.is_platform or not self.platform)


SECTIONS: Sequence[tuple[str, Sequence[Item]]] = (
    (
        _("Operate"),
        (
            Item("/monitoring", _("Monitoring"), "activity", "messages:read"),
            Item("/messages", _("Messages"), "messages-square", "messages:read"),
            Item("/dead-letters", _("Dead letters"), "inbox", "dead-letters:read"),
        ),
    ),
    (
        _("People"),
        (
            Item("/history", _("Chat history"), "history", "conversations:read"),
            Item("/bindings", _("Bindings"), "link", "bindings:read"),
            Item("/leads", _("Leads"), "contact", "leads:read"),
            Item("/users", _("Users"), "users", "users:read"),
        ),
    ),
    (
        _("Configure"),
        (
            Item("/audit", _("Audit"), "scroll-text", "audit:read"),
            Item("/system", _("System"), "server", "settings:read", platform=True),
        ),
    ),
)


def for_viewer(who: Principal) -> Iterator[tuple[str, list[Item]]]:
    """Yield the sections that have something for somebody."""
    for title, items in SECTIONS:
        if seen := [item for item in items if item.is_for(who)]:
            yield title, seen
