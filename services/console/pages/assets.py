"""Styles, scripts, fonts and icons, from the bundle that `make assets` built."""

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from services.console.pages.routes import Page, anyone
from services.console.pages.templates import BUNDLE, manifest
from services.console.records import Unknown

_FOR_EVER = "public, max-age=31536000, immutable"
_KINDS = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".txt": "text/plain",
}


def assets() -> APIRouter:
    """Return the route."""
    router = APIRouter(route_class=Page)

    @router.get("/assets/{name}", **anyone())
    async def asset(name: str) -> Response:
        if name not in manifest().values():
            raise Unknown
        file = BUNDLE / name
        return FileResponse(file, media_type=_KINDS[file.suffix], headers={"Cache-Control": _FOR_EVER})

    return router
