"""
Reads and changes Twilio's resources for account work.

Beside the SDK, on the same HTTP client: the SDK's lists lose the status of a refusal and keep the whole answer inside their
exception, and an account's answer holds its auth token. Here an answer's text ends in this module, and errors are named.
"""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.channels.ports import Credentials
from shared.channels.whatsapp_twilio.client import UNREADABLE
from shared.channels.whatsapp_twilio.http import TwilioHttp

API = "https://api.twilio.com/2010-04-01/Accounts"
MESSAGING = "https://messaging.twilio.com"
MONITOR = "https://monitor.twilio.com"

_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}", re.ASCII)
_USER = re.compile(r"(?:AC|SK)[0-9a-fA-F]{32}", re.ASCII)
_MOST_PAGES = 50
_JSON = {"Content-Type": "application/json"}
_GOOD = range(200, 300)


class Record(BaseModel):
    """A part of an answer. What we do not name is dropped as it is read."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


R = TypeVar("R", bound=Record)


class Trouble(StrEnum):
    """Why there is no answer."""

    UNREACHABLE = "unreachable"
    """Nothing came, a 5xx came, or what came is not of Twilio's form."""
    RATE_LIMITED = "rate_limited"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    REFUSED = "refused"


_TROUBLES: Mapping[int, Trouble] = {
    401: Trouble.UNAUTHORIZED,
    403: Trouble.FORBIDDEN,
    404: Trouble.NOT_FOUND,
    429: Trouble.RATE_LIMITED,
}


class NotAnswered(Exception):
    """There is no answer to work with. Carries its kind and Twilio's code, and nothing that was sent or came."""

    def __init__(self, trouble: Trouble, code: int | None = None) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble
        self.code = code


@dataclass(frozen=True)
class _Answer:
    document: Mapping[str, Any]
    date: datetime | None

    def __repr__(self) -> str:
        return "_Answer()"


class TwilioRest:
    """Twilio's resources as one login sees them. `call_limit`: seconds for each request."""

    def __init__(self, http: TwilioHttp, credentials: Credentials, call_limit: float) -> None:
        self._http = http
        self._credentials = credentials
        self._call_limit = call_limit
        self.clock: datetime | None = None
        """The time of Twilio's last answer, by its own clock."""

    @property
    def account_sid(self) -> str:
        """Return the account that the login is for."""
        return self._credentials.account_sid

    @property
    def is_key(self) -> bool:
        """Tell whether the login is an API key's."""
        return bool(self._credentials.key_sid)

    def account_url(self, path: str, account: str | None = None) -> str:
        """Return the address of something below an account of the API of 2010."""
        return f"{API}/{account or self.account_sid}{path}.json"

    async def get(self, model: type[R], url: str, query: Mapping[str, Any] | None = None) -> R:
        """Read a resource. Raises NotAnswered."""
        record = _read(model, await self._ask("GET", url, params=query))
        if record is None:
            raise NotAnswered(Trouble.UNREACHABLE)
        return record

    async def post_form(self, url: str, form: Mapping[str, str]) -> None:
        """Change a resource of the API of 2010. Raises NotAnswered."""
        await self._ask("POST", url, data=form)

    async def post_json(self, url: str, document: Mapping[str, Any]) -> None:
        """Change a resource of a newer interface. Raises NotAnswered."""
        await self._ask("POST", url, data=document, headers=_JSON)

    async def delete(self, url: str) -> None:
        """Delete a resource. Raises NotAnswered."""
        await self._ask("DELETE", url)

    async def each(self, model: type[R], key: str, url: str, query: Mapping[str, Any]) -> AsyncIterator[R]:
        """Read a list, page after page as they are needed. Raises NotAnswered."""
        params: Mapping[str, Any] | None = query
        for _ in range(_MOST_PAGES):
            records, following = _page(model, key, await self._ask("GET", url, params=params))
            if records is None:
                raise NotAnswered(Trouble.UNREACHABLE)
            for record in records:
                yield record
            if following is None:
                return
            url, params = _at_same_host(url, following), None

    async def _ask(self, method: str, url: str, **parts: Any) -> Mapping[str, Any]:  # noqa: ANN401
        problem: NotAnswered
        try:
            answer = await self._answer(method, url, **parts)
        except (aiohttp.ClientError, TimeoutError, OSError, *UNREADABLE):
            problem = NotAnswered(Trouble.UNREACHABLE)
        except NotAnswered as refused:
            problem = refused
        else:
            self.clock = answer.date or self.clock
            return answer.document
        raise problem.with_traceback(None)  # outside of the handler: what was caught may hold an answer

    async def _answer(self, method: str, url: str, **parts: Any) -> _Answer:  # noqa: ANN401
        credentials = self._credentials
        if not (
            _ACCOUNT.fullmatch(credentials.account_sid) and _USER.fullmatch(credentials.user) and credentials.secret
        ):
            raise NotAnswered(Trouble.UNAUTHORIZED)
        auth = (credentials.user, credentials.secret)
        told = await self._http.request(method, url, auth=auth, timeout=self._call_limit, **parts)
        if told.status_code not in _GOOD:
            raise NotAnswered(_trouble(told.status_code), _code(told.text))
        document = orjson.loads(told.text) if told.text else {}
        if not isinstance(document, dict):
            raise NotAnswered(Trouble.UNREACHABLE)
        return _Answer(document, _date(told.headers.get("Date")))


def _read(model: type[R], told: object) -> R | None:
    """Read a record; None where it is not of Twilio's form. It raises nothing: its frame holds the answer."""
    try:
        return model.model_validate(told)
    except ValidationError:
        return None


def _page(model: type[R], key: str, document: Mapping[str, Any]) -> tuple[list[R] | None, str | None]:
    """Read a page and what follows it; None where one of its records is not of Twilio's form."""
    told = document.get(key)
    records = [_read(model, one) for one in told] if isinstance(told, list) else [None]
    read = [record for record in records if record is not None]
    return (read if len(read) == len(records) else None), _following(document)


def _following(document: Mapping[str, Any]) -> str | None:
    meta = document.get("meta")
    following = meta.get("next_page_url") if isinstance(meta, dict) else document.get("next_page_uri")
    return following if isinstance(following, str) and following else None


def _at_same_host(url: str, following: str) -> str:
    """Return the next page's address. Only its path and query are used: the login goes to no host that an answer names."""
    known = urlsplit(url)
    return urlsplit(following)._replace(scheme=known.scheme, netloc=known.netloc).geturl()


def _trouble(status: int) -> Trouble:
    """Sort a status: a refusal is a 4xx, and whatever else is not 2xx is no answer."""
    refused = 400 <= status < 500  # noqa: PLR2004 - HTTP's own classes
    return _TROUBLES.get(status, Trouble.REFUSED if refused else Trouble.UNREACHABLE)


def _code(text: str) -> int | None:
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    code = told.get("code") if isinstance(told, dict) else None
    return code if isinstance(code, int) else None


def _date(told: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(told).astimezone(UTC) if told else None
    except ValueError:
        return None
