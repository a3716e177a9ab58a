"""Plays the gateway: takes the simulator's webhooks, and answers as the test says."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, parse_qsl

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from dev.embedded import free_port
from dev.simulator.testing import Server
from tests.eventually import eventually

HANG = "hang"
"""Answers only when the caller has gone."""

PATH = "/webhooks/twilio"
PUBLIC_URL = "https://gateway.example.org/hooks/twilio"
PERSON = "whatsapp:+15550001234"

_TWIML = b"<Response/>"


@dataclass(frozen=True)
class Received:
    """One webhook, as it came."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    form: dict[str, str]

    @property
    def status(self) -> str | None:
        """The status that it reports, None for a message."""
        return self.form.get("MessageStatus")

    @property
    def attempt(self) -> str | None:
        return parse_qs(self.query).get("attempt", [None])[0]

    @property
    def token(self) -> str:
        return self.headers["i-twilio-idempotency-token"]

    @property
    def signature(self) -> str | None:
        return self.headers.get("x-twilio-signature")


@dataclass
class Gateway:
    """Each entry of `script` answers one webhook; without one, it is taken."""

    port: int = field(default_factory=free_port)
    script: deque[int | str] = field(default_factory=deque)
    received: list[Received] = field(default_factory=list)
    on_message: Callable[[Received], None] = lambda _: None
    headers: dict[str, str] = field(default_factory=dict)
    """What each answer's headers are, beside or in place of the usual ones."""
    answer: bytes = _TWIML
    """What a message is answered."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def status_url(self) -> str:
        return f"{self.url}{PATH}/status"

    @property
    def messages(self) -> list[Received]:
        return [it for it in self.received if it.status is None]

    def reports(self, sid: str) -> list[str]:
        """Return the statuses that were reported of a message, in the order in which they came."""
        return [it.status for it in self.received if it.status is not None and it.form["MessageSid"] == sid]

    def reset(self) -> None:
        self.script.clear()
        self.received.clear()
        self.on_message = lambda _: None
        self.headers.clear()
        self.answer = _TWIML

    async def until_received(self, count: int) -> list[Received]:
        async def look() -> list[Received] | None:
            return self.received if len(self.received) >= count else None

        return await eventually(look)

    async def until_reported(self, sid: str, *statuses: str) -> None:
        """Wait until exactly these have been reported of a message, in this order."""

        async def look() -> bool:
            return self.reports(sid) == list(statuses)

        await eventually(look)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while (event := await receive())["type"] == "http.request":
            body += event["body"]
            if not event["more_body"]:
                break
        it = Received(
            scope["method"],
            scope["path"],
            scope["query_string"].decode(),
            {name.decode(): value.decode() for name, value in scope["headers"]},
            dict(parse_qsl(body.decode(), keep_blank_values=True)),
        )
        self.received.append(it)
        wanted = self.script.popleft() if self.script else None
        if wanted == HANG:
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        if it.status is None:
            self.on_message(it)
        status = wanted if isinstance(wanted, int) else 200 if it.status is None else 204
        answer = b"" if status == 204 else self.answer if it.status is None else _TWIML
        told = {"content-type": "text/xml", "content-length": str(len(answer))} | self.headers
        headers = [(name.encode(), value.encode()) for name, value in told.items()]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


@asynccontextmanager
async def serving(app: ASGIApp, port: int) -> AsyncIterator[None]:
    """Serve on loopback for the length of the block."""
    config = uvicorn.Config(app, port=port, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server = Server(config)
    task = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    try:
        await eventually(started)
        yield
    finally:
        server.should_exit = True
        await task
