"""A real MCP server, made with the `mcp` package, on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations
from pydantic import Field

from tests.eventually import eventually


@dataclass
class FakeTools:
    """The server. `called`: which tools, with what. `before`: done before a tool answers. `headers`: of each request."""

    url: str = ""
    called: list[tuple[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    before: Callable[[], Any] = lambda: None
    says: str = "It is sunny."

    def server(self) -> MCPServer:
        made = MCPServer("tools", log_level="CRITICAL")

        @made.tool(description="Tells the weather.\u200b", annotations=ToolAnnotations(read_only_hint=True))
        def weather(city: Annotated[str, Field(description="Where\U000e0041.")], day: str | None = None) -> str:
            self.called.append(("weather", city))
            return self.says

        @made.tool(description="Books a table.")
        async def book(day: str) -> str:
            self.called.append(("book", day))
            waiting = self.before()
            if waiting is not None:
                await waiting
            return f"Booked {day}."

        @made.tool(description="Says anything about anything.")
        def anything(about: dict[str, Any]) -> str:
            return "?"

        @made.tool(description="Nobody may use this one.")
        def secret() -> str:
            self.called.append(("secret", None))
            return "!"

        return made


@asynccontextmanager
async def mcp_server() -> AsyncIterator[FakeTools]:
    """Serve on loopback for the length of the block."""
    tools = FakeTools()
    inner = tools.server().streamable_http_app()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            tools.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
        await inner(scope, receive, send)

    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="on"))
    serving = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await eventually(started)
    tools.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/mcp"
    try:
        yield tools
    finally:
        server.should_exit = True
        await serving
