"""What a browser prefers: theme and language, in cookies."""

from urllib.parse import urlsplit

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.pages.language import LANGUAGES
from services.console.pages.routes import Page, anyone, own_path
from services.console.pages.view import THEMES, Looking


def preferences() -> APIRouter:
    """Return the route."""
    router = APIRouter(route_class=Page)

    @router.post("/preferences", **anyone())
    async def prefer(view: Looking) -> Response:
        came = urlsplit(view.request.headers.get("referer", ""))
        answer = view.go(own_path(came.path + (f"?{came.query}" if came.query else "")))
        theme, language = str(view.form.get("theme", "")), str(view.form.get("language", ""))
        if theme in THEMES:
            view.keep(answer, "theme", theme)
        if language in LANGUAGES:
            view.keep(answer, "language", language)
        return answer

    return router
