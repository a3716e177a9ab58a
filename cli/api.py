"""Asks the console's API: the local stack's, or that of TRUNKLINE_API_URL."""

import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from cli.choices import chosen
from cli.outcome import CommandFailed, Exit, fail

if TYPE_CHECKING:
    import httpx2

_SECONDS = 30.0
_STATUSES = {
    400: Exit.CONFIGURATION,
    401: Exit.DENIED,
    403: Exit.DENIED,
    404: Exit.NOT_FOUND,
    409: Exit.CONFLICT,
    412: Exit.CONFLICT,
    413: Exit.CONFIGURATION,
    422: Exit.CONFIGURATION,
    429: Exit.CONFLICT,
    503: Exit.UNAVAILABLE,
}
_SUCCESS = range(200, 300)


@dataclass(frozen=True)
class Answer:
    """What the API said. `body`: JSON, or text. `etag`: the version that a change must name."""

    body: Any
    etag: str


def ask(
    method: str,
    path: str,
    body: dict[str, Any] | bytes | None = None,
    *,
    headers: dict[str, str] | None = None,
    seconds: float = _SECONDS,
    **query: Any,  # noqa: ANN401 - whatever a query can say
) -> Any:  # noqa: ANN401 - JSON
    """Return what the API answers below `/v1/`; end the command when it refuses."""
    return exchange(method, path, body, headers=headers, seconds=seconds, query=query).body


def exchange(
    method: str,
    path: str,
    body: dict[str, Any] | bytes | None = None,
    *,
    query: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    seconds: float = _SECONDS,
) -> Answer:
    """Return the whole answer; end the command when it is an error. `body`: JSON, or a file as it is."""
    import httpx2

    url, key = console()
    sent = {"content": body} if isinstance(body, bytes) else {"json": body}
    try:
        response = _client().request(
            method,
            f"{url}/v1/{path}",
            **sent,
            params={name: value for name, value in (query or {}).items() if value is not None},
            headers={"Authorization": f"Bearer {key}", **(headers or {})},
            timeout=chosen.seconds or seconds,
        )
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError):
        fail(Exit.UNAVAILABLE, f"The console at {url} does not answer. {_hint()}")
    is_json = response.content and "json" in response.headers.get("content-type", "")
    told = response.json() if is_json else response.text
    if response.status_code not in _SUCCESS:
        raise _refused(response.status_code, told if isinstance(told, dict) else {})
    return Answer(told, response.headers.get("etag", ""))


def console() -> tuple[str, str]:
    """Return where the console is, and the key for it."""
    if url := os.environ.get("TRUNKLINE_API_URL"):
        key = os.environ.get("TRUNKLINE_API_KEY")
        return url.rstrip("/"), key or fail(Exit.DENIED, "TRUNKLINE_API_KEY: needed beside TRUNKLINE_API_URL")
    from cli.local import running_stack  # an image holds no local stack

    home, state = running_stack()
    key = os.environ.get("TRUNKLINE_API_KEY") or (home.keys / "console").read_text(encoding="utf-8").strip()
    return str(state["console_url"]), key


def is_remote() -> bool:
    """Tell whether the console is one that TRUNKLINE_API_URL names."""
    return bool(os.environ.get("TRUNKLINE_API_URL"))


@cache
def _client() -> "httpx2.Client":
    """Return the one client: making one takes longer than most answers."""
    import httpx2

    client = httpx2.Client(trust_env=False)
    chosen.at_end.callback(_client.cache_clear)
    chosen.at_end.callback(client.close)
    return client


def _refused(http_status: int, problem: dict[str, Any]) -> CommandFailed:
    detail = problem.get("detail") or problem.get("title") or f"The console answered {http_status}."
    faults = [f"{fault['pointer']}: {fault['detail']}" for fault in problem.get("errors", ())]
    status = _STATUSES.get(http_status, Exit.FAILURE)
    return CommandFailed(status, " ".join([detail, *faults]), problem or None)


def _hint() -> str:
    return "Check TRUNKLINE_API_URL." if is_remote() else "Start the stack: trunkline up"
