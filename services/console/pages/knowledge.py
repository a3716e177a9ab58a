"""Knowledge: what an agent looks things up in: files, how far they are read, and what a search would find."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import UploadFile

from services.console.api.agents import AGENTS
from services.console.api.documents import MOST_BYTES, DocumentName, Search
from services.console.api.routes import may
from services.console.knowledge.documents import MOST_DOCUMENTS, Documents, NewDocument, TooManyDocuments
from services.console.pages.choices import companies
from services.console.pages.forms import Wrong, filled, version
from services.console.pages.navigation import _
from services.console.pages.paging import ROWS, paged, place
from services.console.pages.routes import Page
from services.console.pages.view import Looking, View
from services.console.records import Records
from services.console.scan import existing
from shared.ids import AgentId, TenantId
from shared.knowledge import Knowledge, SearchTooSlow
from shared.reading.blocks import FAILURES

_MOST = 100
_NAME: TypeAdapter[str] = TypeAdapter(DocumentName)


def knowledge(found: Documents) -> APIRouter:
    """Return the pages."""
    router = APIRouter(route_class=Page)
    agents = Records(found.store, AGENTS)

    @router.get("/knowledge", **may("documents:read"))
    async def begin(view: Looking) -> Response:
        """Show the agents, each with knowledge of its own."""
        tenant = await existing(found.store, view.who, view.company(view.request.query_params.get("tenant")))
        rows = await agents.list(view.who, None, _MOST, tenant=tenant)
        offered = await companies(found.store, view, "/knowledge", tenant)
        return view.page("knowledge.html", agents=rows, tenant=tenant, companies=offered)

    @router.get("/knowledge/{agent}", **may("documents:read"))
    async def documents(view: Looking, agent: str) -> Response:
        return await _page(found, agents, view, agent)

    @router.post("/knowledge/{agent}/documents", **may("documents:write"))
    async def upload(view: Looking, agent: str) -> Response:
        tenant = TenantId((await agents.get(view.who, agent))["tenant"])
        try:
            await found.put(view.who, AgentId(agent), tenant, await _uploaded(view, found.language))
        except Wrong as wrong:
            return await _page(found, agents, view, agent, 422, errors=wrong.errors)
        except TooManyDocuments:
            full = view.text(_("An agent may have %(n)d documents. Remove one first."), n=MOST_DOCUMENTS)
            return await _page(found, agents, view, agent, 409, errors={"file": full})
        return view.go(f"/knowledge/{agent}", done="uploaded")

    @router.post("/knowledge/{agent}/documents/{document}/indexings", **may("documents:write"))
    async def index_again(view: Looking, agent: str, document: str) -> Response:
        await found.index_again(view.who, agent, document)
        return view.go(f"/knowledge/{agent}", done="uploaded")

    @router.post("/knowledge/{agent}/documents/{document}/removals", **may("documents:write"))
    async def remove(view: Looking, agent: str, document: str) -> Response:
        await found.remove(view.who, agent, document, version(view))
        return view.go(f"/knowledge/{agent}", done="removed")

    return router


def search_of_agents(found: Documents, searching: Knowledge) -> APIRouter:
    """Return where a search goes that shows what the agent would find."""
    router = APIRouter(route_class=Page)
    agents = Records(found.store, AGENTS)

    @router.post("/knowledge/{agent}/searches", **may("documents:read"))
    async def search(view: Looking, agent: str) -> Response:
        """Search as the agent would; what is looked for stays out of the address."""
        tenant = TenantId((await agents.get(view.who, agent))["tenant"])
        try:
            wanted = filled(view, Search)
            result = await searching.search(tenant, AgentId(agent), wanted.query, wanted.limit, wanted.document)
        except Wrong as wrong:
            return await _page(found, agents, view, agent, 422, errors=wrong.errors)
        except SearchTooSlow:
            slow = view.text(_("The search took too long. Ask for less."))
            return await _page(found, agents, view, agent, 503, errors={"query": slow})
        return await _page(found, agents, view, agent, result=result)

    return router


async def _uploaded(view: View, language: str) -> NewDocument:
    """Return the file that was chosen. Raises Wrong."""
    file = view.form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise Wrong({"file": view.text(_("Choose a file."))})
    if file.size is None or file.size > MOST_BYTES:
        raise Wrong({"file": view.text(_("A file may have at most %(n)d MB."), n=MOST_BYTES // 1_000_000)})
    try:
        name = _NAME.validate_python(file.filename.rpartition("/")[2])
    except ValidationError:
        raise Wrong({"file": view.text(_("This name cannot be shown. Rename the file."))}) from None
    return NewDocument(name, await file.read(), language)


async def _page(found: Documents, agents: Records, view: View, agent: str, status: int = 200, **more: Any) -> Response:  # noqa: ANN401 - the template's
    row = await agents.get(view.who, agent)
    rows = await found.records.list(view.who, place(view), ROWS + 1, agent=agent)
    context: dict[str, Any] = {"errors": {}, "result": None} | more
    return view.page(
        "documents.html",
        status,
        agent=row,
        list=paged(view, rows[:ROWS], rows[ROWS - 1]["id"] if len(rows) > ROWS else None),
        failures=FAILURES,
        is_busy=any(it["state"] in {"queued", "indexing"} for it in rows),
        **context,
    )
