"""Traces: which one a message belongs to."""

from collections.abc import Mapping

_PIECES = 4


def trace_id(headers: Mapping[str, str]) -> str | None:
    """Return the id within the `traceparent` that was kept with a message (W3C Trace Context)."""
    pieces = headers.get("traceparent", "").split("-")
    return pieces[1] if len(pieces) == _PIECES else None
