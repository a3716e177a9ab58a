"""
Stands in for every program of the stack: `python -m services.NAME` of the pretended checkout ends up here.

Serves the ops port, and the main port of those that have one. `TRUNKLINE_EGRESS__REFUSE` makes egress refuse its settings. As
simulator it answers each message with its own text, except "silence"; as console it makes three pairing codes, then no more.
"""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

MESSAGES: list[dict[str, Any]] = []
CODES: list[str] = []
ARRIVED = threading.Condition()


class Handler(BaseHTTPRequestHandler):
    """Answers as any of the programs would."""

    def do_GET(self) -> None:
        """Probes, and the phone's messages."""
        url = urlsplit(self.path)
        if not url.path.startswith("/sim/phones/"):
            self._send(200, {"ready": True, "typing": False, "groups": [], "presets": [], "kinds": []})
            return
        after, wait = (float(parse_qs(url.query)[name][0]) for name in ("after", "wait"))
        with ARRIVED:
            ARRIVED.wait_for(lambda: len(MESSAGES) > after, wait)
            self._send(200, MESSAGES[int(after) :])

    def do_POST(self) -> None:
        """A message to the simulator, or a wish for a pairing code."""
        said = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/v1/pairing-codes":
            self._pair(said)
        else:
            self._message(said["body"])

    def _message(self, text: str) -> None:
        with ARRIVED:
            MESSAGES.append({"n": len(MESSAGES) + 1, "direction": "out", "body": text})
            if text not in {"silence", "forbidden"}:
                MESSAGES.append({"n": len(MESSAGES) + 1, "direction": "in", "body": f"You said: {text}"})
            ARRIVED.notify_all()
        self._send(200, {"status": 403 if text == "forbidden" else 200})

    def _pair(self, said: dict[str, Any]) -> None:
        key = Path(os.environ["TRUNKLINE_KEYS__CONSOLE_FILE"]).read_text(encoding="utf-8").strip()
        if self.headers["authorization"] != f"Bearer {key}":
            self._send(401, {"detail": "Not with this key."})
            return
        if len(CODES) == 3:
            self._send(429, {"detail": "At most 3 codes an hour."}, "application/problem+json")
            return
        CODES.append(f"ABCD234{len(CODES)}")
        self._send(201, {"code": CODES[-1], "expires_at": "2026-01-01T00:10:00Z", "user": said["user"] or "first"})

    def _send(self, status: int, body: object, kind: str = "application/json") -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


def main() -> None:
    """Serve until SIGTERM."""
    if os.environ.get("TRUNKLINE_EGRESS__REFUSE"):
        print("TRUNKLINE_EGRESS__REFUSE: not wanted", file=sys.stderr)  # noqa: T201 - as the services do
        sys.exit(2)
    print("settings.loaded")  # noqa: T201 - for the log
    ports = {value for name, value in os.environ.items() if name.startswith("TRUNKLINE_") and name.endswith("__PORT")}
    for port in ports:
        server = ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
        threading.Thread(target=server.serve_forever).start()
