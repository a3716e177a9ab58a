"""A simulated phone, through the simulator's HTTP API."""

import mimetypes
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import httpx2

from cli.outcome import Exit, fail

_SECONDS = 20.0
_LONGEST_POLL = 20.0
_QUIET = 1.5
"""Seconds without a further part after which an answer counts as complete, unless somebody is typing."""

_NONSENSE = 400
_DENIED = 403
_OK = range(200, 300)


@dataclass(frozen=True)
class Received:
    """A message on the phone's screen that came from the other side."""

    number: int
    text: str


class Phone:
    """One phone and the number it writes to, the default line's when `line` is None."""

    def __init__(self, simulator_url: str, address: str, line: str | None = None) -> None:
        self.address = address
        self._url = simulator_url
        self._line = line
        self._http = httpx2.Client(base_url=simulator_url, timeout=_SECONDS + _LONGEST_POLL, trust_env=False)
        self.seen = 0

    def __enter__(self) -> Self:
        self.seen = max((message["n"] for message in self._fetch(0, 0)), default=0)
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def write(self, text: str, *, image: bool = False, file: Path | None = None, kind: str | None = None) -> None:
        """Send a message to the gateway as Twilio would; `kind` is one of the simulator's. Ends the command when it is refused."""
        message: dict[str, Any] = {"from": self.address, "body": text} | ({"to": self._line} if self._line else {})
        message |= {"kind": kind} if kind is not None else {}
        if file is not None:
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            message["media"] = {"content_type": kind, "data": b64encode(file.read_bytes()).decode()}
        elif image:
            message["media"] = {"content_type": "image/png"}
        status = self._request("POST", "/sim/messages", json=message)["status"]
        if status == _DENIED:
            fail(Exit.FAILURE, "The gateway refused the webhook (403): its token or its public URL differs.")
        if status not in _OK:
            fail(Exit.FAILURE, f"The gateway did not take the message: {status or 'no answer'}. See: trunkline status")

    def answer(self, seconds: float, quiet: float = _QUIET) -> Iterator[Received]:
        """Yield the parts of the next answer as they come; nothing when none came within `seconds`."""
        deadline = time.monotonic() + seconds
        answered = False
        while (left := deadline - time.monotonic()) > 0 or answered:
            parts = self.poll(quiet if answered else min(left, _LONGEST_POLL))
            yield from parts
            if answered and not parts and (left <= 0 or not self._is_typing()):
                return
            answered = answered or bool(parts)

    def poll(self, seconds: float) -> list[Received]:
        """Return what came since the last look; wait for it up to `seconds`."""
        messages = self._fetch(self.seen, seconds)
        self.seen = max([self.seen, *(message["n"] for message in messages)])
        return [Received(message["n"], message["body"]) for message in messages if message["direction"] == "in"]

    def ask(self, path: str, order: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - any JSON
        """Ask the simulator something, or order it; ends the command when that makes no sense."""
        return self._request("GET", path) if order is None else self._request("POST", path, json=order)

    def _fetch(self, after: int, wait: float) -> list[dict[str, Any]]:
        path = f"/sim/phones/{quote(self.address, safe='')}/messages"
        found: list[dict[str, Any]] = self._request("GET", path, params={"after": after, "wait": f"{wait:g}"})
        return found

    def _is_typing(self) -> bool:
        return bool(self._request("GET", "/sim/state", params={"phone": self.address})["typing"])

    def _request(self, method: str, path: str, **arguments: Any) -> Any:  # noqa: ANN401 - httpx's own, and any JSON
        try:
            response = self._http.request(method, path, **arguments)
        except httpx2.HTTPError:
            fail(Exit.UNAVAILABLE, f"The simulator at {self._url} does not answer. Start it: trunkline sim")
        if response.status_code == _NONSENSE:
            fail(Exit.CONFIGURATION, str(response.json()["error"]))
        if response.status_code not in _OK:
            fail(Exit.FAILURE, f"The simulator answered {response.status_code}: {response.text[:200]}")
        return response.json()
