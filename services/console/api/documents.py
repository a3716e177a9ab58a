"""`/v1/agents/{agent}/documents`: what an agent looks things up in; `…/searches`: what it would find."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from services.console.api.agents import AGENTS
from services.console.api.agents import Id as AgentInPath
from services.console.api.fields import Body, Version, id_in_path, shown
from services.console.api.paging import Listing, Paged, Resource
from services.console.api.problems import Faults, Problem
from services.console.api.routes import Asking, Route, may
from services.console.knowledge.documents import MOST_DOCUMENTS, Documents, NewDocument, TooManyDocuments
from services.console.records import Records
from services.console.settings import Language
from shared.ids import AgentId, TenantId
from shared.knowledge import Knowledge, SearchTooSlow
from shared.reading.blocks import FAILURES
from shared.store.session import Store

FAULTS: Faults = {
    TooManyDocuments: (409, "too_many_documents", f"An agent may have {MOST_DOCUMENTS} documents. Remove one first."),
    SearchTooSlow: (503, "search_too_slow", "The search took too long. Ask for less."),
}
MOST_BYTES = 20_000_000

Id = Annotated[str, id_in_path("kd")]
DocumentName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")
]


class Document(Resource):
    """
    A document. It is searched once `generation` is above 0; while it is indexed anew, and when that failed, as it was.

    `media_type`: what it was found to be. `failure`, `reason`: why it could not be read, for programs and for people.
    `passages`: how many it was cut into. `embedded_with`: the model of their vectors; null: only their words are compared.
    """

    tenant: str
    agent: str
    name: str
    media_type: str
    language: str
    digest: str
    bytes: int
    state: Literal["queued", "indexing", "ready", "failed"]
    failure: str | None
    reason: str | None
    generation: int
    passages: int
    embedded_with: str | None
    created_at: datetime
    indexed_at: datetime | None


class Search(Body):
    """What is looked for. `document`: the name of the only one to look in."""

    query: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00]*$")]
    document: DocumentName | None = None
    limit: Annotated[int, Field(ge=1, le=20)] = 6


class FoundPassage(BaseModel):
    """A passage. `score`: compares passages of this search, and of no other."""

    document_id: str
    document: str
    heading: str
    page: int | None
    text: str
    score: float


class SearchResult(BaseModel):
    """The best first. `rankings`: which comparisons they come from. `missing`: which could not be made, and why."""

    passages: list[FoundPassage]
    rankings: list[str]
    missing: list[str]


def documents(store: Store, found: Documents, knowledge: Knowledge) -> APIRouter:
    """Return the routes."""
    agents = Records(store, AGENTS)
    router = APIRouter(prefix="/v1/agents/{agent}", tags=["documents"], route_class=Route)

    @router.get("/documents", **may("documents:read"))
    async def list_documents(who: Asking, agent: AgentInPath, page: Paged) -> Listing[Document]:
        await agents.get(who, agent)
        rows = await found.records.list(who, page.before, page.limit + 1, agent=agent)
        return page.of([Document(**_told(row)) for row in rows])

    @router.put("/documents", responses={201: {"model": Document, "description": "It is new."}}, **_takes_a_file())
    async def put_document(  # noqa: PLR0917 - a route takes what it takes
        who: Asking,
        agent: AgentInPath,
        request: Request,
        response: Response,
        name: Annotated[DocumentName, Query(description="Shown as the source of answers; one of a name.")],
        language: Annotated[
            Language | None, Query(description="How words are stemmed. Default: the console's.")
        ] = None,
    ) -> Document:
        tenant = TenantId((await agents.get(who, agent))["tenant"])
        new = NewDocument(name, await _content(request), language or found.language)
        row, is_new = await found.put(who, AgentId(agent), tenant, new)
        response.status_code = 201 if is_new else 200
        return shown(response, Document, _told(row))

    @router.get("/documents/{document}", **may("documents:read"))
    async def get_document(who: Asking, agent: AgentInPath, document: Id, response: Response) -> Document:
        return shown(response, Document, _told(await found.get(who, agent, document)))

    @router.delete("/documents/{document}", status_code=204, **may("documents:write"))
    async def delete_document(who: Asking, agent: AgentInPath, document: Id, version: Version) -> None:
        await found.remove(who, agent, document, version)

    @router.post("/documents/{document}/indexings", status_code=202, **may("documents:write"))
    async def index_document(who: Asking, agent: AgentInPath, document: Id, response: Response) -> Document:
        return shown(response, Document, _told(await found.index_again(who, agent, document)))

    @router.post("/searches", **may("documents:read"))
    async def search_documents(who: Asking, agent: AgentInPath, wanted: Search) -> SearchResult:
        tenant = TenantId((await agents.get(who, agent))["tenant"])
        result = await knowledge.search(tenant, AgentId(agent), wanted.query, wanted.limit, wanted.document)
        return SearchResult(**asdict(result))

    return router


def _takes_a_file() -> dict[str, Any]:
    """Declare a body that is a file as it is, of any kind: what it is gets found out, not believed."""
    declared = may("documents:write")
    body = {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
    return {"openapi_extra": {**declared["openapi_extra"], "requestBody": body}}


async def _content(request: Request) -> bytes:
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > MOST_BYTES:
            raise Problem(413, "document_too_large", f"A document may have {MOST_BYTES:,} bytes.")
    return bytes(content)


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "reason": FAILURES.get(row["failure"]) if row["failure"] else None}
