"""Commands about users, through the console's API."""

import os

from cli.local import running_stack
from cli.outcome import Exit, Output, fail, form, note, say, say_json

_SECONDS = 10.0
_STATUSES = {401: Exit.DENIED, 403: Exit.DENIED, 404: Exit.NOT_FOUND, 409: Exit.CONFLICT, 429: Exit.CONFLICT}
_CREATED = (200, 201)


def pair_code(user: str | None, output: Output | None) -> None:
    """Ask the console for a pairing code and print it."""
    import httpx2

    url, key = _console()
    try:
        response = httpx2.post(
            f"{url}/v1/pairing-codes",
            json={"user": user},
            headers={"Authorization": f"Bearer {key}"},
            timeout=_SECONDS,
            trust_env=False,
        )
    except httpx2.HTTPError:
        fail(Exit.UNAVAILABLE, f"The console at {url} does not answer. Start the stack: trunkline up")
    answer = response.json() if "json" in response.headers.get("content-type", "") else {}
    if form(output) is Output.JSON and output is not None:
        say_json(answer)
    if response.status_code not in _CREATED:
        status = _STATUSES.get(response.status_code, Exit.FAILURE)
        fail(status, answer.get("detail") or answer.get("title") or f"The console answered {response.status_code}.")
    if output is not Output.JSON:
        say(answer["code"])
        note(f"For {answer['user']}, until {answer['expires_at']}. Send it from the phone: /pair {answer['code']}")


def _console() -> tuple[str, str]:
    if url := os.environ.get("TRUNKLINE_API_URL"):
        return url.rstrip("/"), os.environ.get("TRUNKLINE_API_KEY", "")
    home, state = running_stack()
    key = os.environ.get("TRUNKLINE_API_KEY") or (home.keys / "console").read_text(encoding="utf-8").strip()
    return str(state["console_url"]), key
