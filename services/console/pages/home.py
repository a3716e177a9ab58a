"""The one page for now: which services run, and where to go from here."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2
from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, select_autoescape
from pydantic import BaseModel

_HERE = Path(__file__).parent
_PROBE_LIMIT = 2.0
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class _Report(BaseModel):
    """What a service says of itself at `/readyz`."""

    checks: dict[str, str]


@dataclass(frozen=True)
class State:
    """How a service does. `word` is Ready, Not ready or Down."""

    name: str
    word: str
    checks: Mapping[str, str]

    @property
    def is_ready(self) -> bool:
        """Tell whether the service is ready."""
        return self.word == "Ready"


def home(services: Mapping[str, str], links: Mapping[str, str]) -> APIRouter:
    """Return the page over these services (name to ops URL) and links (title to URL)."""
    router = APIRouter(include_in_schema=False)
    pages = Environment(loader=FileSystemLoader(_HERE), autoescape=select_autoescape(["html"]), enable_async=False)

    @router.get("/")
    async def page() -> HTMLResponse:
        async with httpx2.AsyncClient(timeout=_PROBE_LIMIT, trust_env=False) as client:
            states = await asyncio.gather(*(_probe(client, name, url) for name, url in services.items()))
        html = pages.get_template("home.html").render(
            states=states, links=links, all_ready=all(s.is_ready for s in states)
        )
        return HTMLResponse(html, headers=_HEADERS)

    @router.get("/console.css")
    async def style() -> Response:
        return FileResponse(_HERE / "console.css", media_type="text/css")

    @router.get("/favicon.svg")
    async def icon() -> Response:
        return FileResponse(_HERE / "favicon.svg", media_type="image/svg+xml")

    return router


async def _probe(client: httpx2.AsyncClient, name: str, url: str) -> State:
    try:
        answer = await client.get(f"{url}/readyz")
        report = _Report.model_validate_json(answer.content)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError):
        return State(name, "Down", {})
    return State(name, "Ready" if answer.status_code == httpx2.codes.OK else "Not ready", report.checks)
