"""Other people's servers: a resolver's answers, connections that are only noted down, and a web server on loopback."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpcore2

PUBLIC = "93.184.216.34"
"""Somebody's public server, never reached."""


@dataclass
class FakeResolver:
    """Knows the hosts that it was told; each answer in its turn, the last one for ever. `asked`: for what, and how often."""

    hosts: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    otherwise: Sequence[str] = (PUBLIC,)
    asked: list[str] = field(default_factory=list)

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self.hosts.get(host, [self.otherwise])
        return answers[min(self.asked.count(host), len(answers)) - 1]


@dataclass
class NotedDialer(httpcore2.AsyncNetworkBackend):
    """Connects to nothing, or to `port` of this machine, whatever the address. `dialled`: what was asked for."""

    port: int | None = None
    dead: frozenset[str] = frozenset()
    dialled: list[tuple[str, int]] = field(default_factory=list)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: object = None,
    ) -> httpcore2.AsyncNetworkStream:
        self.dialled.append((host, port))
        if self.port is None or host in self.dead:
            raise httpcore2.ConnectError
        return await httpcore2.AnyIOBackend().connect_tcp("127.0.0.1", self.port, timeout)


@dataclass(frozen=True)
class Asked:
    """A request as a web server got it. `headers`: by lower-case name."""

    line: str
    headers: Mapping[str, str]
    body: bytes


Respond = Callable[[Asked], bytes | Awaitable[bytes | None] | None]
"""What the server sends, byte for byte; None: it closes without a word."""


def reply(body: bytes | str = b"", status: int = 200, **headers: str) -> bytes:
    """Return an answer; `content_type` is JSON unless it is named."""
    content = body.encode() if isinstance(body, str) else body
    named = {"content_type": "application/json", "content_length": str(len(content)), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + content


@dataclass
class FakeWeb:
    """A web server. `asked`: what came, in order."""

    respond: Respond = lambda _asked: reply("{}")
    port: int = 0
    asked: list[Asked] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *rest = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (it.partition(": ") for it in rest)}
            asked = Asked(line, headers, await reader.readexactly(int(headers.get("content-length", "0"))))
            self.asked.append(asked)
            answer = self.respond(asked)
            if isinstance(answer, Awaitable):
                answer = await answer
            writer.write(answer or b"")
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def web_server(respond: Respond | None = None, tls: ssl.SSLContext | None = None) -> AsyncIterator[FakeWeb]:
    """Serve on loopback for the length of the block."""
    web = FakeWeb(respond) if respond is not None else FakeWeb()
    server = await asyncio.start_server(web._serve, "127.0.0.1", 0, ssl=tls)
    web.port = server.sockets[0].getsockname()[1]
    try:
        yield web
    finally:
        server.close()
