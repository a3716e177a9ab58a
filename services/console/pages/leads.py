"""Leads: the people who wrote to an open line, once for each agent; and the same as a table for spreadsheets."""

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.api.leads import LEADS, CsvResponse, Leads, Wanted
from services.console.api.routes import may
from services.console.pages.choices import companies
from services.console.pages.paging import ROWS, apart, paged, place, reach, standing
from services.console.pages.routes import Page
from services.console.pages.view import Looking, View
from services.console.records import Deed, note
from services.console.scan import existing

_FILTERS = ("agent", "platform", "since", "until")
_AGENTS = "select id, name from agent where tenant_id = %s order by lower(name), id limit 500"


def leads(found: Leads) -> APIRouter:
    """Return the pages."""
    router = APIRouter(route_class=Page)

    @router.get("/leads", **may("leads:read"))
    async def lead_list(view: Looking) -> Response:
        asked = view.request.query_params
        tenant = await existing(found.store, view.who, view.company(asked.get("tenant")))
        part = await found.read(tenant, _wanted(view), place(view), reach(view))
        news, kept = apart(view, part.rows, [row["first_seen"] for row in part.rows])
        rows, behind = part.keeping(kept).page(ROWS, LEADS.order)
        async with found.store.connection(tenant) as connection:
            agents = await (await connection.execute(_AGENTS, (tenant,))).fetchall()
        shown = paged(view, [found.shown(row) for row in rows], behind, news)
        page = view.page(
            "leads.html",
            list=shown,
            tenant=tenant,
            companies=await companies(found.store, view, "/leads", tenant),
            agents={row["id"]: row["name"] for row in agents},
            asked=asked,
            is_filtered=any(asked.get(name) for name in _FILTERS),
        )
        return standing(page, shown)

    @router.get("/leads/export", **may("leads:read"))
    async def export(view: Looking) -> Response:
        """Return what the filters name as CSV, in which no cell is a formula; it is audited."""
        tenant = await existing(found.store, view.who, view.company(view.request.query_params.get("tenant")))
        async with found.store.transaction(tenant) as connection:
            await note(connection, view.who, Deed("leads.exported", tenant, tenant))
        named = {"Content-Disposition": 'attachment; filename="leads.csv"', "Cache-Control": "no-store"}
        return CsvResponse(found.as_csv(tenant, _wanted(view)), headers=named)

    return router


def _wanted(view: View) -> Wanted:
    asked = {name: view.request.query_params.get(name, "")[:64] or None for name in _FILTERS}
    first = view.days(asked["since"], asked["until"])
    return Wanted(
        first.within("first_seen"), {"lead.agent_id = %s": asked["agent"], "platform = %s": asked["platform"]}
    )
