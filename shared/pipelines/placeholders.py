"""Texts with placeholders: `{sys.channel}`. Doubled braces stand for themselves: `{{sys.channel}}`."""

import re
from collections.abc import Iterator, Mapping

SYSTEM = frozenset({"sys.channel", "sys.tenant", "sys.user"})
"""Facts of the session (spec.md, section 6)."""

MESSAGE = "message"
"""What the person wrote: for the arguments of tools alone, where it is data. In a prompt it would speak with our voice."""

_PLACEHOLDER = re.compile(r"\{\{(?P<literal>[A-Za-z_][\w.]*)\}\}|\{(?P<name>[A-Za-z_][\w.]*)\}", re.ASCII)


def names(text: str) -> Iterator[str]:
    """Yield the names that a text refers to. Braces around anything but a name are no placeholder: prompts show JSON."""
    return (match["name"] for match in _PLACEHOLDER.finditer(text) if match["name"])


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its placeholders filled, once: what a value holds is no placeholder. Unknown ones stay."""
    return _PLACEHOLDER.sub(
        lambda match: values.get(match["name"], match[0]) if match["name"] else f"{{{match['literal']}}}", text
    )
