"""The one page for now: which services run, and where to go from here."""

from collections.abc import Mapping
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, select_autoescape

from services.console.readiness import ask_all

_HERE = Path(__file__).parent
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def home(services: Mapping[str, str], links: Mapping[str, str]) -> APIRouter:
    """Return the page over these services (name to ops URL) and links (title to URL)."""
    router = APIRouter(include_in_schema=False)
    pages = Environment(loader=FileSystemLoader(_HERE), autoescape=select_autoescape(["html"]), enable_async=False)

    @router.get("/")
    async def page() -> HTMLResponse:
        states = await ask_all(services)
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
