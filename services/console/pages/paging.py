"""Lists in pages: 25 rows, and signed cursors in the address that lead to older ones."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from services.console.pages.view import View
from services.console.records import Unknown

ROWS = 25
_MARK_BYTES = 8


class Paged(NamedTuple):
    """A page of a list. `older`: the address of the next one; None on the last. `newest`: of the first one; None there."""

    rows: Sequence[Any]
    older: str | None
    newest: str | None


def place(view: View) -> Any:  # noqa: ANN401 - whatever a list is ordered by
    """Return the place that the address goes on from; None at the beginning. Raises Unknown for a cursor that is not ours."""
    cursor = view.request.query_params.get("cursor")
    if not cursor:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        told = raw[_MARK_BYTES:]
        if not hmac.compare_digest(raw[:_MARK_BYTES], _mark(view, told)):
            raise Unknown
        return orjson.loads(told)
    except ValueError:
        raise Unknown from None


def paged(view: View, rows: Sequence[Any], behind: Any) -> Paged:  # noqa: ANN401 - as above
    """Return a page. `behind`: the place where the next one goes on; None where there is none."""
    older = None
    if behind is not None:
        told = orjson.dumps(behind)
        cursor = base64.urlsafe_b64encode(_mark(view, told) + told).decode().rstrip("=")
        older = view.here(cursor=cursor, seen=None)
    return Paged(rows, older, view.here(cursor=None) if "cursor" in view.request.query_params else None)


def _mark(view: View, told: bytes) -> bytes:
    """Sign a place in one list: a cursor of another list, or one that was made up, does not fit."""
    key: bytes = view.request.app.state.cursor_key
    return hmac.digest(key, view.request.url.path.encode() + b"|" + told, hashlib.sha256)[:_MARK_BYTES]
