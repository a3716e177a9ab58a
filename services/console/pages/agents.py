"""Agents: what they are told, which model they ask, what they may cost; and the chat to try them out."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.api.agents import AGENTS, AgentChange, NewAgent
from services.console.api.routes import may
from services.console.pages.choices import companies
from services.console.pages.conflicts import conflict
from services.console.pages.forms import Wrong, filled, text, version
from services.console.pages.navigation import _
from services.console.pages.paging import ROWS, paged, place
from services.console.pages.routes import Page
from services.console.pages.view import Looking, View
from services.console.pipelines import PIPELINES
from services.console.records import Records, Stale
from services.console.scan import existing
from shared.ids import TenantId
from shared.store.session import Store

_MOST = 100
LABELS = {
    "name": _("Name"),
    "instructions": _("Instructions"),
    "model": _("Model"),
    "fallback_model": _("Fall-back model"),
    "pipeline": _("Pipeline"),
    "remembers": _("Memory"),
    "memory": _("Messages that it remembers"),
    "memory_tokens": _("Tokens of a whole conversation"),
    "message_tokens": _("Tokens for one message"),
    "conversation_tokens": _("Tokens for a conversation"),
}
_NEW: dict[str, Any] = {
    **{name: field.default for name, field in NewAgent.model_fields.items()},
    "name": "",
    "instructions": "",
    "id": None,
    "version": 0,
}


def agents(store: Store) -> APIRouter:
    """Return the pages."""
    router = APIRouter(route_class=Page)
    records, pipelines = Records(store, AGENTS), Records(store, PIPELINES)

    @router.get("/agents", **may("agents:read"))
    async def agent_list(view: Looking) -> Response:
        tenant = await existing(store, view.who, view.company(view.request.query_params.get("tenant")))
        rows = await records.list(view.who, place(view), ROWS + 1, tenant=tenant)
        behind = rows[ROWS - 1]["id"] if len(rows) > ROWS else None
        shown = paged(view, rows[:ROWS], behind)
        offered = await companies(store, view, "/agents", tenant)
        return view.page("agents.html", list=shown, tenant=tenant, companies=offered)

    @router.get("/agents/new", **may("agents:write"))
    async def new_agent(view: Looking) -> Response:
        tenant = await existing(store, view.who, view.company(view.request.query_params.get("tenant")))
        return await _page(pipelines, view, {**_NEW, "tenant": tenant})

    @router.post("/agents", **may("agents:write"))
    async def make(view: Looking) -> Response:
        tenant = await existing(store, view.who, view.company(text(view, "tenant", 64) or None))
        try:
            wanted = filled(view, NewAgent, tenant=tenant)
        except Wrong as wrong:
            return await _page(pipelines, view, {**_NEW, "tenant": tenant}, 422, errors=wrong.errors)
        made = await records.make(view.who, TenantId(tenant), wanted.model_dump(exclude={"tenant"}))
        return view.go(f"/agents/{made['id']}", done="made")

    @router.get("/agents/{agent}", **may("agents:read"))
    async def one_agent(view: Looking, agent: str) -> Response:
        return await _page(pipelines, view, await records.get(view.who, agent))

    @router.post("/agents/{agent}", **may("agents:write"))
    async def change(view: Looking, agent: str) -> Response:
        row = await records.get(view.who, agent)
        try:
            values = filled(view, AgentChange).model_dump(exclude_unset=True)
        except Wrong as wrong:
            return await _page(pipelines, view, row, 422, errors=wrong.errors)
        try:
            await records.change(view.who, agent, version(view), values)
        except Stale:
            now = await records.get(view.who, agent)
            return await _page(
                pipelines, view, now, 409, typed=values, conflict=await conflict(store, view, now, values)
            )
        return view.go(f"/agents/{agent}", done="saved")

    return router


async def _page(pipelines: Records, view: View, row: dict[str, Any], status: int = 200, **more: Any) -> Response:  # noqa: ANN401 - the template's
    context: dict[str, Any] = {"errors": {}, "typed": {}, "conflict": None} | more
    return view.page(
        "agent.html",
        status,
        agent=row,
        shown={**row, **context["typed"], **{name: view.form[name] for name in LABELS if name in view.form}},
        labels=LABELS,
        pipelines=await pipelines.list(view.who, None, _MOST, tenant=row["tenant"]),
        **context,
    )
