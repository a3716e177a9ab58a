"""Pipelines: a draft with its faults beside it, versions that nobody changes, which one runs, and the way back."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from psycopg.rows import DictRow

from services.console.api.pipelines import NewPipeline, PipelineChange
from services.console.api.routes import may
from services.console.pages.choices import companies
from services.console.pages.conflicts import conflict
from services.console.pages.forms import Wrong, filled, text, version
from services.console.pages.navigation import _
from services.console.pages.paging import ROWS, paged, place
from services.console.pages.routes import Page
from services.console.pages.view import Looking, View
from services.console.pipelines import NothingBefore, Pipelines
from services.console.records import Stale, Taken, Unknown
from services.console.scan import existing
from services.console.trials import Trials
from shared.ids import TenantId
from shared.pipelines import SHIPPED, WHATSAPP_DEFAULT, NotAPipeline, shipped

_LONGEST = 64 * 1024
_VERSIONS = 20
LABELS = {"name": _("Name"), "draft": _("Draft")}
_NO_RESULT = {
    "history_off": _("Chat history is off for this company: its conversations are for nobody to read."),
    "agent_unavailable": _("No agent answers. Try again in a moment."),
    "nothing_asked": _("Nothing was asked in this conversation."),
}


def pipelines(found: Pipelines) -> APIRouter:
    """Return the pages that make and change them."""
    router = APIRouter(route_class=Page)

    @router.get("/pipelines", **may("pipelines:read"))
    async def pipeline_list(view: Looking) -> Response:
        tenant = await existing(found.store, view.who, view.company(view.request.query_params.get("tenant")))
        rows = await found.records.list(view.who, place(view), ROWS + 1, tenant=tenant)
        shown = paged(view, rows[:ROWS], rows[ROWS - 1]["id"] if len(rows) > ROWS else None)
        offered = await companies(found.store, view, "/pipelines", tenant)
        return view.page("pipelines.html", list=shown, tenant=tenant, companies=offered)

    @router.get("/pipelines/new", **may("pipelines:write"))
    async def new_pipeline(view: Looking) -> Response:
        tenant = await existing(found.store, view.who, view.company(view.request.query_params.get("tenant")))
        return await _page(found, view, _new(tenant))

    @router.post("/pipelines", **may("pipelines:write"))
    async def make(view: Looking) -> Response:
        tenant = await existing(found.store, view.who, view.company(text(view, "tenant", 64) or None))
        try:
            wanted = filled(view, NewPipeline, tenant=tenant, draft=text(view, "draft", _LONGEST + 1))
            made = await found.make(view.who, tenant, wanted.name, wanted.draft)
        except (Wrong, NotAPipeline, Taken) as error:
            return await _page(found, view, _new(tenant), 422, **_faults(view, error))
        return view.go(f"/pipelines/{made['id']}", done="made")

    @router.get("/pipelines/{pipeline}", **may("pipelines:read"))
    async def one_pipeline(view: Looking, pipeline: str) -> Response:
        return await _page(found, view, await found.records.get(view.who, pipeline))

    @router.post("/pipelines/{pipeline}", **may("pipelines:write"))
    async def change(view: Looking, pipeline: str) -> Response:
        row = await found.records.get(view.who, pipeline)
        try:
            wanted = filled(view, PipelineChange, draft=text(view, "draft", _LONGEST + 1))
            values = wanted.model_dump(exclude_unset=True)
            await found.change(view.who, pipeline, version(view), values)
        except (Wrong, NotAPipeline, Taken) as error:
            return await _page(found, view, row, 422, **_faults(view, error))
        except Stale:
            now = await found.records.get(view.who, pipeline)
            return await _page(found, view, now, 409, conflict=await conflict(found.store, view, now, values))
        return view.go(f"/pipelines/{pipeline}", done="saved")

    return router


def pipeline_versions(found: Pipelines, trials: Trials) -> APIRouter:
    """Return the pages that let one run, and try a draft out."""
    router = APIRouter(route_class=Page)

    @router.get("/pipelines/{pipeline}/versions/{number}", **may("pipelines:read"))
    async def one_version(view: Looking, pipeline: str, number: int) -> Response:
        row = await found.records.get(view.who, pipeline)
        return view.page("pipeline_version.html", pipeline=row, it=await found.version(view.who, pipeline, number))

    @router.post("/pipelines/{pipeline}/activations", **may("pipelines:write"))
    async def activate(view: Looking, pipeline: str) -> Response:
        """Let turns run a version; without a number the draft, as it was saved."""
        number = text(view, "number", 9)
        try:
            await found.activate(view.who, pipeline, version(view), int(number) if number.isdecimal() else None)
        except NotAPipeline as error:
            row = await found.records.get(view.who, pipeline)
            return await _page(found, view, row, 422, **_faults(view, error))
        return view.go(f"/pipelines/{pipeline}", done="activated")

    @router.post("/pipelines/{pipeline}/rollbacks", **may("pipelines:write"))
    async def roll_back(view: Looking, pipeline: str) -> Response:
        try:
            await found.roll_back(view.who, pipeline, version(view))
        except NothingBefore:
            raise Unknown from None
        return view.go(f"/pipelines/{pipeline}", done="rolled-back")

    @router.post("/pipelines/{pipeline}/trials", **may("trials:write"))
    async def try_out(view: Looking, pipeline: str) -> Response:
        """Try what was typed on the newest message of a conversation; nothing is saved, and nothing is sent."""
        row = await found.records.get(view.who, pipeline)
        conversation = text(view, "conversation", 64).strip()
        try:
            result, failure = await trials.run(view.who, conversation, text(view, "draft", _LONGEST + 1))
        except NotAPipeline as error:
            return await _page(found, view, row, 422, **_faults(view, error))
        except Unknown:
            unknown = {"conversation": view.text(_("There is no such conversation."))}
            return await _page(found, view, row, 422, errors=unknown)
        why = view.text(_NO_RESULT.get(failure, failure)) if failure else None
        return await _page(found, view, row, result=result, no_result=why)

    return router


def _new(tenant: TenantId) -> dict[str, Any]:
    """Return a pipeline to begin with: the shipped one."""
    draft = shipped(WHATSAPP_DEFAULT, SHIPPED[WHATSAPP_DEFAULT])
    return {"id": None, "tenant": tenant, "name": "", "draft": draft, "active_version": None, "past": [], "version": 0}


def _faults(view: View, error: Wrong | NotAPipeline | Taken) -> dict[str, Any]:
    if isinstance(error, Wrong):
        return {"errors": error.errors}
    if isinstance(error, Taken):
        return {"errors": {"name": view.text(_("There is one of this name already."))}}
    return {"faults": error.faults}


async def _page(
    found: Pipelines,
    view: View,
    row: DictRow,
    status: int = 200,
    **more: Any,  # noqa: ANN401 - the template's
) -> Response:
    context: dict[str, Any] = {"errors": {}, "faults": [], "conflict": None, "result": None, "no_result": None} | more
    return view.page(
        "pipeline.html",
        status,
        pipeline=row,
        shown={**row, **{name: text(view, name, _LONGEST) for name in LABELS if name in view.form}},
        labels=LABELS,
        versions=await found.versions(view.who, row["id"], None, _VERSIONS) if row["id"] else [],
        **context,
    )
