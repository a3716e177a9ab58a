"""Lists in pages: 25 rows, and signed cursors in the address that lead to older ones."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import orjson
from fastapi.responses import Response

from services.console.pages.view import View
from services.console.records import Unknown

Row = TypeVar("Row")

ROWS = 25
_MARK_BYTES = 8


class Paged(NamedTuple):
    """
    A page of a list. `older`: the address of the next one; None on the last. `newest`: of the first one; None there.

    `news`: how many rows came since an open page first showed the list; it goes on showing what it showed, so that nothing
    moves under a pointer.
    """

    rows: Sequence[Any]
    older: str | None
    newest: str | None
    news: int = 0


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


def reach(view: View) -> int:
    """Return how many rows to read: one more than are shown, and as many again where an open page leaves out what is new."""
    return (ROWS if _seen(view) is None else 2 * ROWS) + 1


def apart(view: View, rows: Sequence[Row], moments: Sequence[datetime]) -> tuple[int, Sequence[Row]]:
    """Return how many rows an open page does not show yet, and the others. `moments`: when each row came."""
    seen = _seen(view)
    news = 0 if seen is None else sum(it > seen for it in moments)
    return news, rows[news:]


def standing(answer: Response, shown: Paged) -> Response:
    """Let an open page stand as it is where more is new than was read: only the button that says so is put in."""
    if shown.news > ROWS:
        answer.headers.update({"HX-Retarget": "#news", "HX-Reselect": "#news", "HX-Reswap": "outerHTML"})
    return answer


def paged(view: View, rows: Sequence[Any], behind: Any, news: int = 0) -> Paged:  # noqa: ANN401 - as above
    """Return a page. `behind`: the place where the next one goes on; None where there is none."""
    older = None
    if behind is not None:
        told = orjson.dumps(behind)
        cursor = base64.urlsafe_b64encode(_mark(view, told) + told).decode().rstrip("=")
        older = view.here(cursor=cursor, seen=None)
    return Paged(rows, older, view.here(cursor=None) if "cursor" in view.request.query_params else None, news)


def _seen(view: View) -> datetime | None:
    """Return when the row came that an open page shows first; None where there is no such page."""
    try:
        seen = datetime.fromisoformat(view.request.query_params.get("seen", ""))
    except ValueError:
        return None
    return seen if seen.tzinfo else None


def _mark(view: View, told: bytes) -> bytes:
    """Sign a place in one list: a cursor of another list, or one that was made up, does not fit."""
    key: bytes = view.request.app.state.cursor_key
    return hmac.digest(key, view.request.url.path.encode() + b"|" + told, hashlib.sha256)[:_MARK_BYTES]
