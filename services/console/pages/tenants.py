"""Companies: made by the platform's admin; what holds for all that one has (who sets what: spec.md, section 5)."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from psycopg.rows import DictRow

from services.console.api.agents import AGENTS
from services.console.api.routes import may
from services.console.api.tenants import ADMINS_OWN, TENANTS, NewTenant, TenantChange
from services.console.pages.conflicts import conflict
from services.console.pages.forms import Wrong, filled, version
from services.console.pages.navigation import _
from services.console.pages.paging import ROWS, paged, place
from services.console.pages.routes import Page
from services.console.pages.view import Looking, View
from services.console.records import Records, Stale
from shared.store.session import Store

_MOST = 100
LABELS = {
    "name": _("Name"),
    "agent": _("Agent on shared numbers"),
    "privacy": _("Contact privacy"),
    "history": _("Chat history"),
    "retention_days": _("Retention, in days"),
    "daily_messages": _("Messages a day"),
    "daily_tokens": _("Tokens a day"),
}


def tenants(store: Store) -> APIRouter:
    """Return the pages."""
    router = APIRouter(route_class=Page)
    records = Records(store, TENANTS)

    @router.get("/tenants", **may("tenants:read"))
    async def tenant_list(view: Looking) -> Response:
        if not view.who.is_platform:
            return view.go(f"/tenants/{view.who.tenant}")
        rows = await records.list(view.who, place(view), ROWS + 1)
        return view.page(
            "tenants.html", list=paged(view, rows[:ROWS], rows[ROWS - 1]["id"] if len(rows) > ROWS else None)
        )

    @router.get("/tenants/new", **may("tenants:write", platform=True))
    async def new_tenant(view: Looking) -> Response:
        return view.page("tenant_new.html", errors={})

    @router.post("/tenants", **may("tenants:write", platform=True))
    async def make(view: Looking) -> Response:
        try:
            wanted = filled(view, NewTenant, ticks={"history"})
        except Wrong as wrong:
            return view.page("tenant_new.html", 422, errors=wrong.errors)
        made = await records.make(view.who, None, wanted.model_dump())
        return view.go(f"/tenants/{made['id']}", done="made")

    return router


def tenant_settings(store: Store) -> APIRouter:
    """Return the pages of one company."""
    router = APIRouter(route_class=Page)
    records, agents = Records(store, TENANTS), Records(store, AGENTS)

    @router.get("/tenants/{tenant}", **may("tenants:read"))
    async def settings(view: Looking, tenant: str) -> Response:
        return await _page(agents, view, await records.get(view.who, tenant))

    @router.post("/tenants/{tenant}", **may("tenants:write"))
    async def change(view: Looking, tenant: str) -> Response:
        row = await records.get(view.who, tenant)
        try:
            values = filled(view, TenantChange, ticks={"history"}).model_dump(exclude_unset=True)
        except Wrong as wrong:
            return await _page(agents, view, row, 422, errors=wrong.errors)
        if not view.who.is_platform:
            values = {name: value for name, value in values.items() if name in ADMINS_OWN}
        try:
            await records.change(view.who, tenant, version(view), values)
        except Stale:
            now = await records.get(view.who, tenant)
            return await _page(agents, view, now, 409, typed=values, conflict=await conflict(store, view, now, values))
        return view.go(f"/tenants/{tenant}", done="saved")

    return router


async def _page(agents: Records, view: View, row: DictRow, status: int = 200, **more: Any) -> Response:  # noqa: ANN401 - the template's
    context: dict[str, Any] = {"errors": {}, "typed": {}, "conflict": None} | more
    return view.page(
        "tenant.html",
        status,
        tenant=row,
        shown={**row, **context["typed"]},
        labels=LABELS,
        agents=await agents.list(view.who, None, _MOST, tenant=row["id"]),
        **context,
    )
