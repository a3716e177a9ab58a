"""Transcripts: what phones wrote and got, a line of JSON each; what they wrote can be written again."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, TypeVar

import orjson

from dev.simulator.phones import Shown

T = TypeVar("T")


class BadTranscript(ValueError):
    """A line is none of a transcript; says which."""


def line_of_text(at: float, written: Mapping[str, Any]) -> bytes:
    """Return the line of something written: what `/sim/messages` was asked, `at` seconds after the beginning."""
    return orjson.dumps({"at": round(at, 3), "direction": "out", **written}) + b"\n"


def line_of_bubble(at: float, address: str, bubble: Shown) -> bytes:
    """Return the line of something that came to a phone."""
    told = {"at": round(at, 3), "direction": "in", "to": address, "body": bubble.body}
    return orjson.dumps(told) + b"\n"


def read(text: bytes) -> list[tuple[float, dict[str, Any]]]:
    """Return what was written, and when, in order; what came is left out. Raises BadTranscript."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            told = orjson.loads(line)
            at, direction = float(told.pop("at")), told.pop("direction")
        except (ValueError, TypeError, KeyError, AttributeError):
            raise BadTranscript(f"line {number}: an object with at and direction is needed") from None
        if direction == "out":
            found.append((at, told))
    return sorted(found, key=lambda one: one[0])


async def paced(lines: Sequence[tuple[float, T]], speed: float) -> AsyncIterator[T]:
    """Yield what was written as it was written, so many times as fast."""
    before = lines[0][0] if lines else 0.0
    for at, told in lines:
        await asyncio.sleep((at - before) / speed)
        before = at
        yield told
