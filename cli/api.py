"""Asks the console's API: the local stack's, or that of TRUNKLINE_API_URL."""

import os
from typing import Any

from cli.local import running_stack
from cli.outcome import Exit, Output, fail, say_json

_SECONDS = 30.0
_STATUSES = {
    401: Exit.DENIED,
    403: Exit.DENIED,
    404: Exit.NOT_FOUND,
    409: Exit.CONFLICT,
    422: Exit.CONFIGURATION,
    429: Exit.CONFLICT,
    503: Exit.UNAVAILABLE,
}
_SUCCESS = range(200, 300)


def ask(
    method: str,
    path: str,
    output: Output | None,
    body: dict[str, Any] | None = None,
    *,
    seconds: float = _SECONDS,
    **query: Any,  # noqa: ANN401 - whatever a query can say
) -> Any:  # noqa: ANN401 - JSON
    """Return the answer; end the command when it is an error, as the problem document where JSON was asked for."""
    import httpx2

    url, key = _console()
    try:
        response = httpx2.request(
            method,
            f"{url}/v1/{path}",
            json=body,
            params={name: value for name, value in query.items() if value is not None},
            headers={"Authorization": f"Bearer {key}"},
            timeout=seconds,
            trust_env=False,
        )
    except httpx2.HTTPError:
        fail(Exit.UNAVAILABLE, f"The console at {url} does not answer. Start the stack: trunkline up")
    answer = response.json() if "json" in response.headers.get("content-type", "") else {}
    if response.status_code not in _SUCCESS:
        if output is Output.JSON:
            say_json(answer)
        status = _STATUSES.get(response.status_code, Exit.FAILURE)
        fail(status, answer.get("detail") or answer.get("title") or f"The console answered {response.status_code}.")
    return answer


def _console() -> tuple[str, str]:
    if url := os.environ.get("TRUNKLINE_API_URL"):
        return url.rstrip("/"), os.environ.get("TRUNKLINE_API_KEY", "")
    home, state = running_stack()
    key = os.environ.get("TRUNKLINE_API_KEY") or (home.keys / "console").read_text(encoding="utf-8").strip()
    return str(state["console_url"]), key
