"""What REST resources are made of: a call, a refusal in Twilio's envelope, and the two forms of a page."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dev.simulator.accounts import Account
from dev.simulator.wire import Entry

_DOCS = "https://www.twilio.com/docs/errors/"
_MOST_ON_A_PAGE = 1000


class Refusal(Exception):
    """An error answer in Twilio's envelope."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.answer = JSONResponse(
            {"code": code, "message": message, "more_info": f"{_DOCS}{code}", "status": status}, status
        )


class Dropped(Exception):
    """The connection ends without an answer."""


def not_found() -> Refusal:
    """Return the answer about what is not there, or is somebody else's."""
    return Refusal(404, 20404, "The requested resource was not found")


@dataclass(frozen=True)
class Call:
    """A request whose credentials were proven. `account`: the one that it is about."""

    request: Request
    account: Account
    form: dict[str, str]
    document: dict[str, Any]
    """The body where it was JSON."""
    entry: Entry

    @property
    def query(self) -> Mapping[str, str]:
        """Return the query."""
        return self.request.query_params

    def part(self, name: str) -> str:
        """Return a part of the path."""
        return str(self.request.path_params[name])


@dataclass(frozen=True)
class Operation:
    """A resource's verb. `kind` is its name in the wire log, `area` what a restricted key needs."""

    method: str
    path: str
    kind: str
    area: str
    handler: Callable[[Call], Awaitable[Response]]


def page_of_2010(call: Call, key: str, found: Sequence[Any], record: Callable[[Any], object]) -> Response:
    """Answer a page as the API of 2010 does: addresses are paths, and stand beside the records."""
    page, size, shown, more = _page(call.query, found, 50)

    def uri(number: int) -> str:
        return f"{call.request.url.path}?{urlencode({**call.query, 'Page': number, 'PageSize': size})}"

    return JSONResponse(
        {
            key: [record(one) for one in shown],
            "page": page,
            "page_size": size,
            "start": page * size,
            "end": page * size + max(len(shown) - 1, 0),
            "uri": uri(page),
            "first_page_uri": uri(0),
            "next_page_uri": uri(page + 1) if more else None,
            "previous_page_uri": uri(page - 1) if page else None,
        }
    )


def page_with_meta(
    call: Call, host: str, key: str, found: Sequence[Any], record: Callable[[Any], object], *, size: int = 50
) -> Response:
    """Answer a page as the newer interfaces do: whole addresses, in `meta`."""
    page, size, shown, more = _page(call.query, found, size)

    def url(number: int) -> str:
        return f"{host}{call.request.url.path}?{urlencode({**call.query, 'PageSize': size, 'Page': number})}"

    meta = {
        "page": page,
        "page_size": size,
        "first_page_url": url(0),
        "previous_page_url": url(page - 1) if page else None,
        "url": url(page),
        "next_page_url": url(page + 1) if more else None,
        "key": key,
    }
    return JSONResponse({key: [record(one) for one in shown], "meta": meta})


def _page(query: Mapping[str, str], found: Sequence[Any], size: int) -> tuple[int, int, Sequence[Any], bool]:
    size = min(_whole(query, "PageSize", size, least=1), _MOST_ON_A_PAGE)
    page = _whole(query, "Page", 0, least=0)
    return page, size, found[page * size : (page + 1) * size], len(found) > (page + 1) * size


def _whole(told: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    """Return a whole number of the query, or refuse it as Twilio would."""
    try:
        number = int(told.get(name, default))
    except ValueError:
        number = least - 1
    if number < least:
        raise Refusal(400, 20001, f"{name} is invalid")
    return number


def is_url(text: str) -> bool:
    """Tell whether Twilio would take this as the address of a callback."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(host) and "_" not in str(host) and text.isascii()
