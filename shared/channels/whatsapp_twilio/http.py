"""
The HTTP client below Twilio's SDK.

The SDK's own async client ignores its time-out and then waits without limit, repeats POSTs after a 5xx when told to
retry, and form-encodes JSON bodies. This one has limits, never repeats, sends JSON as JSON, and logs nothing.
"""

import logging
from typing import Any

import aiohttp
import orjson
from opentelemetry.trace import SpanKind
from twilio.http import HttpClient
from twilio.http.response import Response

from shared.telemetry import span

CONNECT_LIMIT = 5.0
TOTAL_LIMIT = 30.0
"""Seconds. Twilio's side may take about 26 s before it gives up; a shorter limit would only make more doubtful sends."""

_SECURE = "https://"
_TWILIO = "https://api.twilio.com"
"""As a base this is Twilio itself, which has a host for each of its interfaces."""


class TwilioHttp(HttpClient):  # type: ignore[misc]  # the SDK is untyped
    """One shared session; credentials come with each call."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        api_base: str | None = None,
        *,
        total_limit: float = TOTAL_LIMIT,
        connect_limit: float = CONNECT_LIMIT,
    ) -> None:
        super().__init__(logging.getLogger("twilio.silent"), is_async=True)
        self._session = session
        base = api_base.rstrip("/") if api_base else None
        self._api_base = None if base == _TWILIO else base
        self._total_limit = total_limit
        self._connect_limit = connect_limit

    async def request(  # noqa: PLR0917 - the SDK's signature
        self,
        method: str,
        url: str,
        params: dict[str, Any] | None = None,
        data: Any = None,  # noqa: ANN401 - a form or a JSON document
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,  # noqa: FBT001, FBT002 - likewise
    ) -> Response:
        """Make one request and return its answer. Raises aiohttp's errors and TimeoutError."""
        sent_headers = dict(headers or {})
        as_json = sent_headers.get("Content-Type") == "application/json"
        if auth:
            sent_headers["Authorization"] = aiohttp.encode_basic_auth(*auth)
        with span(f"{method} twilio", kind=SpanKind.CLIENT, http__request__method=method) as opened:
            try:
                async with self._session.request(
                    method,
                    self._rewritten(url),
                    params={name: str(value) for name, value in (params or {}).items()},
                    data=orjson.dumps(data) if as_json else _form(data),
                    headers=sent_headers,
                    timeout=aiohttp.ClientTimeout(total=timeout or self._total_limit, sock_connect=self._connect_limit),
                    allow_redirects=allow_redirects,
                ) as answer:
                    text = await answer.text()
            except aiohttp.ClientResponseError as error:  # its text holds the query, and so the numbers
                raise aiohttp.ClientError(type(error).__name__) from None
            opened.set_attribute("http.response.status_code", answer.status)
            return Response(answer.status, text, answer.headers)

    def _rewritten(self, url: str) -> str:
        """Return the URL at the configured base: in a local stack, the simulator stands for every Twilio host."""
        if self._api_base is None:
            return url
        _, _, path = url.removeprefix(_SECURE).partition("/")
        return f"{self._api_base}/{path}"


def _form(data: Any) -> aiohttp.FormData | None:  # noqa: ANN401
    """Return a form, a list as one field repeated."""
    if not data:
        return None
    form = aiohttp.FormData()
    for name, value in data.items():
        for item in value if isinstance(value, list) else [value]:
            form.add_field(name, str(item))
    return form
