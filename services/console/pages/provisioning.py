"""What is set up for a line at its provider: what is in order there, what a click mends, and the way back."""

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.api.routes import may
from services.console.lines import Lines, NothingToUndo
from services.console.pages.logins import CHECKS
from services.console.pages.routes import Page
from services.console.pages.view import Looking
from services.console.records import Unknown

_BAD_SIGNATURES = frozenset({"alerts_recent_403", "alerts_recent_57012"})
"""Twilio's own record of webhooks that we refused: a stranger's forgery is not in it."""


def provisioning(lines: Lines) -> APIRouter:
    """Return the pages."""
    router = APIRouter(route_class=Page)

    @router.get("/channels/{line}/checks", **may("lines:read"))
    async def checks(view: Looking, line: str) -> Response:
        """Look at the line at its provider: a region of the page, which does not wait for it."""
        findings = await lines.check(view.who, line)
        return view.page(
            "checks.html",
            line=line,
            findings=[it for it in findings if it.code not in _BAD_SIGNATURES],
            is_badly_signed=any(it.code in _BAD_SIGNATURES for it in findings),
            checks=CHECKS,
        )

    @router.post("/channels/{line}/provisionings", **may("lines:write", platform=True))
    async def provision(view: Looking, line: str) -> Response:
        await lines.provision(view.who, line)
        return view.go(f"/channels/{line}/integration", done="provisioned")

    @router.post("/channels/{line}/provisionings/undo", **may("lines:write", platform=True))
    async def undo(view: Looking, line: str) -> Response:
        try:
            await lines.undo(view.who, line)
        except NothingToUndo:
            raise Unknown from None
        return view.go(f"/channels/{line}", done="undone")

    return router
