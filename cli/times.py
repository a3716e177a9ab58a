"""Times as people say them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from cli.outcome import Exit, fail

_AGO = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(said: str | None, option: str) -> str | None:
    """Return a time for the API: so long ago (`24h`), or the time itself, which needs its zone."""
    if said is None:
        return None
    if match := _AGO.fullmatch(said):
        return (datetime.now(UTC) - timedelta(**{_UNITS[match[2]]: int(match[1])})).isoformat()
    return _absolute(said, option)


def between(field: str, since: str | None, until: str | None) -> dict[str, Any]:
    """Return the API's filters for a span of time, by what `--since` and `--until` say."""
    return {f"{field}[gte]": moment(since, "--since"), f"{field}[lt]": moment(until, "--until")}


def in_future(said: str | None, option: str) -> str | None:
    """Return a time that is to come: in so long (`90d`), or the time itself."""
    if said is None:
        return None
    if match := _AGO.fullmatch(said):
        return (datetime.now(UTC) + timedelta(**{_UNITS[match[2]]: int(match[1])})).isoformat()
    return _absolute(said, option)


def _absolute(said: str, option: str) -> str:
    try:
        told = datetime.fromisoformat(said)
    except ValueError:
        fail(Exit.CONFIGURATION, f"{option}: {said} is neither 30m, 24h or 7d nor a time such as 2026-11-25T10:00:00Z")
    if told.tzinfo is None:
        fail(Exit.CONFIGURATION, f"{option}: a time needs its zone, such as 2026-11-25T10:00:00Z")
    return told.isoformat()
