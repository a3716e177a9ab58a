"""From an answer to the text that a model reads: the values at a few dotted paths, such as `order.lines.*.name`."""

import re
from collections.abc import Iterator, Sequence

import orjson

from shared.actions.parameters import Unfit

MOST_BYTES = 8 * 1024
_PATH = re.compile(r"(?:[A-Za-z0-9_-]{1,64}|\*)(?:\.(?:[A-Za-z0-9_-]{1,64}|\*)){0,15}")
_MOST_PATHS = 50
_MOST_VALUES = 200
_ELLIPSIS = "…"


def check_paths(paths: Sequence[str]) -> tuple[str, ...]:
    """Return paths that can be followed. Raises Unfit."""
    if len(paths) > _MOST_PATHS or not all(map(_PATH.fullmatch, paths)):
        raise Unfit(f"results: at most {_MOST_PATHS} paths such as order.lines.*.name.")
    return tuple(paths)


def mapped(text: str, paths: Sequence[str]) -> str:
    """Return a line for each path, and the whole answer where there is none, cut to 8 KiB."""
    if not paths:
        return cut(text)
    try:
        answer = orjson.loads(text)
    except orjson.JSONDecodeError:
        return "The answer is not JSON."
    return cut("\n".join(f"{path}: {_values(answer, path)}" for path in paths))


def cut(text: str, most: int = MOST_BYTES) -> str:
    """Return a text of at most so many bytes."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= most:
        return text
    return encoded[: most - len(_ELLIPSIS.encode())].decode(errors="ignore") + _ELLIPSIS


def _values(answer: object, path: str) -> str:
    found = [value for value, _ in zip(_follow(answer, path.split(".")), range(_MOST_VALUES), strict=False)]
    return ", ".join(map(_shown, found)) or "nothing"


def _follow(value: object, steps: Sequence[str]) -> Iterator[object]:
    if not steps:
        yield value
        return
    for inner in _step(value, steps[0]):
        yield from _follow(inner, steps[1:])


def _step(value: object, step: str) -> Iterator[object]:
    match value:
        case dict():
            yield from value.values() if step == "*" else [value[step]] if step in value else []
        case list() if step == "*":
            yield from value
        case list() if step.isdecimal() and len(step) < len("100000") and int(step) < len(value):
            yield value[int(step)]


def _shown(value: object) -> str:
    try:
        return value if isinstance(value, str) else orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # nested too deeply to be written
        return _ELLIPSIS
