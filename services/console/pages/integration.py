"""Integration: a line's login at its provider, its webhooks, and what is in order there (product-ux.md, section 3.1)."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.api.agents import AGENTS
from services.console.api.routes import may
from services.console.authors import author
from services.console.pages.choices import companies
from services.console.pages.forms import Wrong
from services.console.pages.logins import CHECKS, Integration, Place
from services.console.pages.navigation import _
from services.console.pages.routes import Page
from services.console.pages.view import Errors, Looking, View
from services.console.progress import Progress, progress
from services.console.records import Records, Stale, Taken

_MOST = 100
_OF_LINE = "line_credential_sender_key"


def integration(found: Integration) -> APIRouter:
    """Return the pages."""
    router = APIRouter(route_class=Page)

    @router.get("/channels/new", **may("lines:write"))
    async def new_line(view: Looking) -> Response:
        return await _page(found, view, await found.new_place(view))

    @router.post("/channels/connection-tests", **may("lines:write"))
    async def test_new(view: Looking) -> Response:
        return await _tested(found, view, await found.new_place(view))

    @router.post("/channels", **may("lines:write"))
    async def make(view: Looking) -> Response:
        return await _saved(found, view, await found.new_place(view))

    @router.get("/channels/{line}/integration", **may("lines:read"))
    async def of_line(view: Looking, line: str) -> Response:
        return await _page(found, view, await found.place(view, line))

    @router.post("/channels/{line}/connection-tests", **may("lines:write"))
    async def test(view: Looking, line: str) -> Response:
        return await _tested(found, view, await found.place(view, line))

    @router.post("/channels/{line}/integration", **may("lines:write"))
    async def save(view: Looking, line: str) -> Response:
        return await _saved(found, view, await found.place(view, line))

    return router


async def _tested(found: Integration, view: View, place: Place) -> Response:
    try:
        return await _page(found, view, place, tested=await found.test(view, place))
    except Wrong as wrong:
        return await _page(found, view, place, 422, errors=wrong.errors)


async def _saved(found: Integration, view: View, place: Place) -> Response:
    """Test again, and store: what does not work is stored disabled, and says so."""
    try:
        tested = await found.test(view, place)
        enabled = tested.works and view.who.is_platform
        row = await found.save(view, place, enabled=enabled)
    except Wrong as wrong:
        return await _page(found, view, place, 422, errors=wrong.errors)
    except Taken as taken:
        return await _page(found, view, place, 409, errors=_taken(view, str(taken)))
    except Stale:
        return await _page(
            found, view, await found.place(view, str(place.line and place.line["id"])), 409, is_stale=True
        )
    if enabled and row["auto_provision"]:
        await found.lines.provision(view.who, row["id"])
    if tested.works:
        return view.go(f"/channels/{row['id']}/integration", done="enabled" if enabled else "saved")
    return await _page(found, view, await found.place(view, row["id"]), tested=tested, is_kept_off=True)


async def _page(found: Integration, view: View, place: Place, status: int = 200, **more: Any) -> Response:  # noqa: ANN401 - the template's
    line, account = place.line, place.account
    context: dict[str, Any] = {"errors": {}, "tested": None, "is_kept_off": False, "is_stale": False} | more
    return view.page(
        "integration.html",
        status,
        place=place,
        hooks=found.lines.webhooks(line or {"provider": "twilio", "channel": "whatsapp"}),
        may_write=view.who.may("lines:write") and (line is None or account is not None),
        stored_by=await author(found.store, view.who, account["token_set_by"]) if account else None,
        progress=await progress(found.store, place.tenant, line["id"]) if line else Progress(),
        agents=await Records(found.store, AGENTS).list(view.who, None, _MOST, tenant=place.tenant),
        companies=await companies(found.store, view, "/channels/new", place.tenant) if line is None else None,
        checks=CHECKS,
        **context,
    )


def _taken(view: View, constraint: str) -> Errors:
    if constraint == _OF_LINE:
        return {"sender": view.text(_("Another channel has this number."))}
    return {"account_sid": view.text(_("This account is stored already, for another company."))}
