"""Lists: so many items, and an opaque, signed cursor that asks for the next ones."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, Field

from services.console.api.problems import Problem

_MARK_BYTES = 8


class Resource(BaseModel):
    """What has an id, by which lists are ordered: ids grow with time."""

    id: str


Item = TypeVar("Item", bound=Resource)


class Listing(BaseModel, Generic[Item]):
    """
    A page of a list, the newest first. `next_cursor` asks for the next page; null on the last one.

    A page may hold fewer items than were asked for although there are more: what a page may look at is bounded.
    """

    items: list[Item]
    next_cursor: str | None = Field(None, description="What the next page is asked for with; null on the last one.")


@dataclass(frozen=True)
class Page:
    """Which page is wanted. `before`: the id of the last item of the page before."""

    limit: int
    before: str | None
    request: Request
    response: Response

    @property
    def mark(self) -> list[Any] | None:
        """Return the place where the page before ended, for lists that are ordered by more than an id."""
        return None if self.before is None else orjson.loads(self.before)

    def of(self, found: Sequence[Item]) -> Listing[Item]:
        """Return the page of what was found when one more than `limit` was asked for."""
        items = list(found[: self.limit])
        return self._listing(items, items[-1].id if len(found) > self.limit else None)

    def until(self, items: Sequence[Item], mark: Sequence[Any] | None) -> Listing[Item]:
        """Return the page of these items. `mark`: the place where the next one goes on; None where there is none."""
        return self._listing(list(items), None if mark is None else orjson.dumps(mark).decode())

    def _listing(self, items: list[Item], last: str | None) -> Listing[Item]:
        if last is None:
            return Listing(items=items, next_cursor=None)
        cursor = self._signed(last)
        self.response.headers["Link"] = f'<{self.request.url.include_query_params(cursor=cursor)}>; rel="next"'
        return Listing(items=items, next_cursor=cursor)

    def _signed(self, last: str) -> str:
        return base64.urlsafe_b64encode(_mark(self.request, last) + last.encode()).decode().rstrip("=")


def _page(
    request: Request,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=200, description="Items on a page.")] = 50,
    cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")] = None,
) -> Page:
    return Page(limit, _opened(request, cursor) if cursor is not None else None, request, response)


Paged = Annotated[Page, Depends(_page)]


def _opened(request: Request, cursor: str) -> str:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        last = raw[_MARK_BYTES:].decode("ascii")
    except ValueError:
        raise Problem(400, "cursor_invalid", "This cursor is not one of ours.") from None
    if not hmac.compare_digest(raw[:_MARK_BYTES], _mark(request, last)):
        raise Problem(400, "cursor_invalid", "This cursor is not one of ours.")
    return last


def _mark(request: Request, last: str) -> bytes:
    """Sign a place in one list: a cursor of another list, or one that was made up, does not fit."""
    key: bytes = request.app.state.cursor_key
    return hmac.digest(key, f"{request.url.path}|{last}".encode(), hashlib.sha256)[:_MARK_BYTES]
