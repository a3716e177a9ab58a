"""Takes in what Twilio could not deliver: at start, after each outage, and once a day."""

import asyncio
import contextlib
import http.client
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from dev.stack.tender import Tender

_PATH = "/v1/jobs/gap-fill/runs"
_DAY = 86_400.0
_AGAIN = 60.0
"""Seconds until the next run after one in which Twilio, or the console, did not answer."""

_LOOK_EVERY = 2.0
_SECONDS = 600.0
_CREATED = 201


@dataclass(frozen=True)
class GapWatch:
    """Lets the console run its gap-fill job when it is time: ingress is back, or a day has passed."""

    ingress: Sequence[Tender]
    console_url: str
    key: Path

    async def watch(self) -> None:
        """Run the job now, and then as needed, until cancelled."""
        due, was_up = time.monotonic(), True
        while True:
            up = await asyncio.to_thread(self._accepts)
            if up and not was_up:
                due = time.monotonic()
            was_up = up
            if up and time.monotonic() >= due:
                complete = await asyncio.to_thread(self._run)
                due = time.monotonic() + (_DAY if complete else _AGAIN)
            await asyncio.sleep(_LOOK_EVERY)

    def _accepts(self) -> bool:
        """Tell whether webhooks are taken: ingress is not ready either while NATS is away."""
        return all(tender.state == "running" and tender.runnable.is_ready() for tender in self.ingress)

    def _run(self) -> bool:
        """Run the job once; False when it has to look at the same time again."""
        parts = urlsplit(self.console_url)
        headers = {"Authorization": f"Bearer {self.key.read_text(encoding='utf-8').strip()}", "Content-Length": "0"}
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_SECONDS)
        with contextlib.closing(connection):
            try:
                connection.request("POST", _PATH, headers=headers)
                answer = connection.getresponse()
                return answer.status == _CREATED and json.loads(answer.read())["failed"] == 0
            except (OSError, http.client.HTTPException, ValueError):
                return False
