"""The simulator as a web application."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dev.simulator.api import SimulatorApi
from dev.simulator.panel_api import PanelApi
from dev.simulator.rest import TwilioApi
from dev.simulator.settings import SimulatorSettings
from dev.simulator.world import World

_PAGE = Path(__file__).parent / "page"
_HTML = "page.html"
_FILES = {f"/{file.name}": file for file in _PAGE.iterdir() if file.name != _HTML}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}


class Edge:
    """Lets routes close their connection without an answer, as a broken network would; dates answers by Twilio's clock."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, with a way to the connection."""
        cycle = getattr(send, "__self__", None)
        scope["dropper"] = lambda: cycle.transport.abort() if cycle is not None else None

        async def dated(event: Message) -> None:
            if event["type"] == "http.response.start":
                at = formatdate(time.time() + self._world.clock_skew, usegmt=True)
                event = {**event, "headers": [*event.get("headers", ()), (b"date", at.encode())]}
            await send(event)

        await self._app(scope, receive, dated)


def create_app(world: World) -> ASGIApp:
    """Return the application over a world."""
    app = Starlette(
        routes=[
            *TwilioApi(world).routes,
            *SimulatorApi(world).routes,
            *PanelApi(world).routes,
            Route("/", _page),
            *(Route(path, _file(file)) for path, file in _FILES.items()),
            Route("/healthz", _alive),
            Route("/readyz", _ready),
            Route("/metrics", _metrics(world)),
        ]
    )
    return Edge(app, world)


@asynccontextmanager
async def open_world(settings: SimulatorSettings) -> AsyncIterator[World]:
    """Hold a world, and its connections to the gateway, for the length of the block."""
    limits = httpx2.Limits(max_connections=200)
    async with httpx2.AsyncClient(trust_env=False, limits=limits) as client:
        world = World(settings, client)
        try:
            yield world
        finally:
            await world.close()


async def _page(request: Request) -> Response:
    """Return the page in the theme of the cookie, which the console has under the same name."""
    chosen = request.cookies.get("theme")
    theme = chosen if chosen in {"light", "dark"} else "system"
    html = (_PAGE / _HTML).read_text(encoding="utf-8").replace('data-theme="system"', f'data-theme="{theme}"', 1)
    return HTMLResponse(html, headers=_HEADERS)


def _file(file: Path):  # type: ignore[no-untyped-def]  # noqa: ANN202 - Starlette's endpoints
    async def endpoint(_request: Request) -> Response:
        return FileResponse(file, headers=_HEADERS)

    return endpoint


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _ready(_request: Request) -> Response:
    return JSONResponse({"ready": True, "checks": {}})


def _metrics(world: World):  # type: ignore[no-untyped-def]  # noqa: ANN202
    async def endpoint(_request: Request) -> Response:
        lines = (
            "# HELP trunkline_sim_requests_total Requests in the wire log.",
            "# TYPE trunkline_sim_requests_total counter",
            f"trunkline_sim_requests_total {len(world.wire.entries)}",
        )
        return PlainTextResponse("\n".join(lines) + "\n")

    return endpoint
