"""The first page: which services run, and where to go from here."""

from collections.abc import Mapping

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.pages.routes import Page, anyone
from services.console.pages.view import Looking
from services.console.readiness import Readiness, ask_all


def home(readiness: Readiness, links: Mapping[str, str], *, is_local: bool) -> APIRouter:
    """Return the page. On a local stack it is shown before sign-in, too: a newcomer has no account yet."""
    router = APIRouter(route_class=Page)

    @router.get("/", **anyone())
    async def page(view: Looking) -> Response:
        if view.session is None and not is_local:
            return view.go("/sign-in")
        if view.session is not None and view.session.stage != "whole":
            return view.go("/sign-in/code" if view.session.stage == "code" else "/account/second-factor")
        if view.session is not None:
            return view.go("/monitoring" if view.who.may("messages:read") else "/profile")
        states = await ask_all(readiness.services)
        return view.page(
            "home.html", states=states, links=links, is_local=is_local, all_ready=all(it.is_ready for it in states)
        )

    return router
