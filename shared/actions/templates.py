"""URLs and headers with placeholders: `{argument}` and `{sys.contact}`, percent-encoded wherever they stand."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

import orjson

from shared.actions.parameters import Misfit, Unfit

SYSTEM = frozenset({"sys.contact", "sys.tenant", "sys.user"})
"""Facts of the session. A model cannot set them: they are not among its arguments."""

_URL = re.compile(
    r"(?P<origin>https?://[^/?#{}\\@\s]+)(?P<path>/[!-~]*?)?(?:\?(?P<query>[!-~]*))?", re.IGNORECASE | re.ASCII
)
_NOT_IN_URLS = re.compile(r"[#\\]")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_PARTS = re.compile(r"[/\\]")
_UP = frozenset({".", ".."})
_MOST_DECODINGS = 3


class UrlTemplate:
    """A URL whose path and query may hold placeholders, and whose host may not. `Unfit` for any other."""

    def __init__(self, text: str) -> None:
        match = _URL.fullmatch(text)
        if match is None or _NOT_IN_URLS.search(text):
            raise Unfit("url: must be an address whose placeholders stand in its path or query alone.")
        self._origin = match["origin"]
        self._segments = (match["path"] or "/").split("/")
        self._pairs = match["query"].split("&") if match["query"] else []
        for piece in (*self._segments, *self._pairs):
            _balanced(piece, "url")

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self._origin

    @property
    def in_path(self) -> frozenset[str]:
        """The placeholders in the path."""
        return frozenset(name for piece in self._segments for name in _names(piece))

    @property
    def names(self) -> frozenset[str]:
        """All placeholders."""
        return self.in_path | {name for piece in self._pairs for name in _names(piece)}

    def fill(self, values: Mapping[str, str], more: Mapping[str, Any]) -> str:
        """
        Return the address. A pair of the query whose value is not there is left out; `more` is added to the query.

        Raises Misfit where a value would lead to another place of the host.
        """
        path = "/".join(_segment(piece, values) for piece in self._segments)
        pairs = [filled_in(pair, values) for pair in self._pairs if all(name in values for name in _names(pair))]
        pairs += [f"{_quoted(name)}={_quoted(text)}" for name, value in more.items() for text in _texts(value)]
        return f"{self._origin}{path}" + (f"?{'&'.join(pairs)}" if pairs else "")


def system_only(text: str, where: str) -> str:
    """Return a text whose placeholders are facts of the session. Raises Unfit."""
    _balanced(text, where)
    if _names(text) - SYSTEM:
        raise Unfit(f"{where}: can hold no placeholders but {', '.join(sorted(SYSTEM))}.")
    return text


def as_text(value: object) -> str:
    """Return how a value stands in an address."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _texts(value: object) -> Iterator[str]:
    yield from map(as_text, value) if isinstance(value, list) else [as_text(value)]


def _names(piece: str) -> frozenset[str]:
    return frozenset(_PLACEHOLDER.findall(piece))


def _balanced(piece: str, where: str) -> None:
    if set(_PLACEHOLDER.sub("", piece)) & {"{", "}"}:
        raise Unfit(f"{where}: a brace has no partner.")


def filled_in(piece: str, values: Mapping[str, str]) -> str:
    """Return a text with its placeholders filled, percent-encoded."""
    return _PLACEHOLDER.sub(lambda match: _quoted(values.get(match[1], "")), piece)


def _segment(piece: str, values: Mapping[str, str]) -> str:
    filled = filled_in(piece, values)
    if _names(piece) and (not filled or any(_UP & set(_PARTS.split(text)) for text in _decoded(filled))):
        raise Misfit(f"{', '.join(sorted(_names(piece)))}: cannot stand in an address")
    return filled


def _decoded(text: str) -> Iterator[str]:
    """Yield what a server may make of a text, which may decode it more than once."""
    for _ in range(_MOST_DECODINGS):
        text = unquote(text)
        yield text


def _quoted(text: str) -> str:
    return quote(text, safe="")
