"""A provider that answers byte by byte what the test wants, or does not answer."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import parse_qsl, urlsplit

SILENCE = "silence"
"""Reads the request and never answers."""
BREAK = "break"
"""Reads the request and breaks the connection."""


@dataclass(frozen=True)
class Request:
    """One request, as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True))


def answer(
    status: int,
    body: object = b"",
    kind: str = "application/json",
    *,
    length: int = 0,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """Return an answer. What is neither bytes nor text becomes JSON; `length` promises more bytes than come."""
    content = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    fields = {"Content-Type": kind, "Content-Length": str(len(content) + length), **headers}
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + content


def refusal(status: int, code: object) -> bytes:
    """Return an error in Twilio's envelope."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    return answer(status, {"code": code, "message": "No", "more_info": more, "status": status})


def problem(status: int, code: object, told: object) -> bytes:
    """Return an error as a problem document, as Twilio's newer interfaces do."""
    body = {"type": "about:blank", "title": "No", "status": told, "code": code}
    return answer(status, body, "application/problem+json")


@dataclass
class Provider:
    """Each entry of `script` answers one request; behind the last, connections break. Till then they stay open."""

    port: int
    script: deque[bytes | str] = field(default_factory=deque)
    requests: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while await self._exchange(reader, writer):
                pass
        writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, target, _ = head.split(" ")
        self.requests.append(Request(method, target, headers, body))
        told = self.script.popleft() if self.script else BREAK
        if told == BREAK:
            return False
        if isinstance(told, bytes):
            writer.write(told)
            await writer.drain()
            return True
        await reader.read()  # until the caller gives up
        return False


@asynccontextmanager
async def providing() -> AsyncIterator[Provider]:
    """Listen on loopback for the length of the block."""
    provider = Provider(0)
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(provider.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(lambda _: writer.transport.abort())  # one that was cancelled before it began, too

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    provider.port = server.sockets[0].getsockname()[1]
    async with server:
        yield provider
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
