"""
Reads YAML that strangers write: within bounds, as plain data, and with the place of every value.

Scalars are those of YAML 1.2's core schema: `no` is Norwegian and `09:30` is a time of day, where YAML 1.1 makes False and 570 of
them. Anchors, aliases and tags are refused: nothing can grow, and nothing becomes an object.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

MOST_BYTES = 64 * 1024
_DEEPEST = 24

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """Where something stands: line and column, both from 1."""

    line: int
    column: int


_START = Place(1, 1)


class Unreadable(Exception):
    """It is not YAML, or more than we read. The text says why, and holds nothing of what was written."""

    def __init__(self, problem: str, place: Place = _START) -> None:
        super().__init__(problem)
        self.problem = problem
        self.place = place


@dataclass(frozen=True)
class Source:
    """A document that was read: its plain data, and its nodes, which know their places."""

    data: Any
    _root: Node

    def place(self, path: Sequence[str | int]) -> Place:
        """Return the place of a value's key, or of what it would be in; steps that the document does not have are passed over."""
        node = named = self._root
        for step in path:
            named, node = _child(node, step) or (named, node)
        return _place(named)

    def field(self, path: Sequence[str | int]) -> Path:
        """Return a path without the steps that are a reader's own, and not the document's; its last step may be missing there."""
        node, known = self._root, list[str | int]()
        for number, step in enumerate(path):
            child = _child(node, step)
            if child is not None or (number == len(path) - 1 and isinstance(node, MappingNode)):
                known.append(step)
            node = child[1] if child else node
        return tuple(known)


def read(text: str) -> Source:
    """Read a document. Raises Unreadable."""
    if len(text.encode(errors="replace")) > MOST_BYTES:
        raise Unreadable(f"is longer than {MOST_BYTES // 1024} KiB")
    try:
        _check_events(text)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise Unreadable(error.problem or "is not YAML", _of_mark(error.problem_mark)) from None
    except yaml.YAMLError:
        raise Unreadable("holds characters that YAML does not allow") from None
    if root is None:
        raise Unreadable("is empty")
    return Source(_plain(root), root)


class _Loader(yaml.SafeLoader):
    """Knows the scalars of YAML 1.2's core schema, and no other."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]{1,18}", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]{1,18}|[0-9]{1,18}(?:\.[0-9]{0,18})?)(?:[eE][-+]?[0-9]{1,3})?", "-+0123456789."),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))


def _check_events(text: str) -> None:
    depth = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        place = _of_mark(event.start_mark)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise Unreadable("uses an anchor or an alias: write it out", place)
        if getattr(event, "tag", None):
            raise Unreadable("uses a tag: plain values alone are read", place)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if depth > _DEEPEST:
            raise Unreadable(f"is nested more than {_DEEPEST} deep", place)
        if documents > 1:
            raise Unreadable("holds more than one document", place)


def _plain(node: Node) -> Any:  # noqa: ANN401 - whatever YAML can say
    match node:
        case MappingNode():
            return dict(_pairs(node))
        case SequenceNode():
            return [_plain(item) for item in node.value]
        case ScalarNode():
            return _scalar(node)
    raise Unreadable("holds something else than texts, numbers, lists and mappings", _place(node))


def _pairs(node: MappingNode) -> Iterator[tuple[str, Any]]:
    seen = set[str]()
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            raise Unreadable("has a key that is no text", _place(key))
        if key.value in seen:
            raise Unreadable("has the same key twice", _place(key))
        seen.add(key.value)
        yield key.value, _plain(value)


def _scalar(node: ScalarNode) -> str | int | float | bool | None:
    text: str = node.value
    match node.tag.rpartition(":")[2]:
        case "bool":
            return text.lower() == "true"
        case "null":
            return None
        case "int":
            return int(text)
        case "float":
            return float(text)
    return text


def _child(node: Node, step: str | int) -> tuple[Node, Node] | None:
    """Return the node that names an entry, and the entry's own; in a list it is the same."""
    if isinstance(node, MappingNode):
        return next(((key, value) for key, value in node.value if key.value == step), None)
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


def _place(node: Node) -> Place:
    return _of_mark(node.start_mark)


def _of_mark(mark: Any) -> Place:  # noqa: ANN401 - PyYAML's
    return Place(mark.line + 1, mark.column + 1) if mark is not None else _START
