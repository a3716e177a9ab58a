"""`/v1/pipelines`: what agents run, step by step: drafts, versions, which one is active, and the way back."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, StringConstraints

from services.console.api.fields import (
    Body,
    Created,
    Name,
    OneTenant,
    TenantOfMade,
    Version,
    id_in_path,
    omitted,
    shown,
    whose,
)
from services.console.api.paging import Listing, Paged, Resource
from services.console.api.problems import Faults
from services.console.api.routes import Asking, Route, may
from services.console.pipelines import NothingBefore, Pipelines
from shared.pipelines import SCHEMA, SHIPPED, WHATSAPP_DEFAULT, NotAPipeline, read_pipeline, shipped

FAULTS: Faults = {
    NotAPipeline: (422, "pipeline_unfit", None),
    NothingBefore: (409, "nothing_before", "No other version was active before this one."),
}
_LONGEST = 64 * 1024

Id = Annotated[str, id_in_path("pl")]
Document = Annotated[
    str,
    StringConstraints(max_length=_LONGEST, pattern=r"^[^\x00]*$"),
    Field(description="YAML, at most 64 KiB; `GET /v1/pipeline-format` tells its schema."),
]


class Pipeline(Resource):
    """
    A pipeline. `draft`: what is worked on. `active_version`: what its agents' turns run that begin now; null: none yet, and
    they run the shipped default. `past`: versions that were active before, the last one last.
    """

    tenant: str
    name: str
    draft: str
    active_version: int | None
    newest_version: int | None
    past: list[int]
    agents: list[str]
    created_at: datetime


class NewPipeline(Body):
    """A pipeline to be made."""

    tenant: TenantOfMade = None
    name: Name
    draft: Document


class PipelineChange(Body):
    """What shall be different; the rest stays. Turns run what is active, whatever the draft says."""

    name: Name = omitted()
    draft: Document = omitted()


class Check(Body):
    """A document to be looked at."""

    document: Document


class Fault(BaseModel):
    """One thing that is wrong with a document, where it stands. `field`: such as steps[0].temperature; empty: all of it."""

    line: int
    column: int
    field: str
    problem: str


class Checked(BaseModel):
    """What is wrong with a document; nothing where it can be used."""

    faults: list[Fault]


class Format(BaseModel):
    """How documents are written: their JSON schema, and the pipelines that are shipped."""

    document_schema: dict[str, Any] = Field(serialization_alias="schema")
    shipped: dict[str, str]
    default: str = Field(WHATSAPP_DEFAULT, description="The one that agents run which name none.")


def pipelines(found: Pipelines) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1", tags=["pipelines"], route_class=Route)

    @router.get("/pipeline-format", **may("pipelines:read"))
    async def get_pipeline_format(_who: Asking) -> Format:
        return Format(document_schema=SCHEMA, shipped={name: shipped(name, newest) for name, newest in SHIPPED.items()})

    @router.post("/pipeline-checks", **may("pipelines:read"))
    async def check_pipeline(_who: Asking, wanted: Check) -> Checked:
        try:
            read_pipeline(wanted.document)
        except NotAPipeline as error:
            return Checked(faults=[Fault(**vars(fault)) for fault in error.faults])
        return Checked(faults=[])

    @router.get("/pipelines", **may("pipelines:read"))
    async def list_pipelines(who: Asking, page: Paged, created: Created, tenant: OneTenant = None) -> Listing[Pipeline]:
        rows = await found.records.list(who, page.before, page.limit + 1, tenant=tenant, created_at=created)
        return page.of([Pipeline(**row) for row in rows])

    @router.post("/pipelines", status_code=201, **may("pipelines:write"))
    async def create_pipeline(who: Asking, wanted: NewPipeline, response: Response) -> Pipeline:
        made = await found.make(who, whose(who, wanted.tenant), wanted.name, wanted.draft)
        return shown(response, Pipeline, made)

    @router.get("/pipelines/{pipeline}", **may("pipelines:read"))
    async def get_pipeline(who: Asking, pipeline: Id, response: Response) -> Pipeline:
        return shown(response, Pipeline, await found.records.get(who, pipeline))

    @router.patch("/pipelines/{pipeline}", **may("pipelines:write"))
    async def change_pipeline(
        who: Asking, pipeline: Id, version: Version, wanted: PipelineChange, response: Response
    ) -> Pipeline:
        values = wanted.model_dump(exclude_unset=True)
        return shown(response, Pipeline, await found.change(who, pipeline, version, values))

    @router.delete("/pipelines/{pipeline}", status_code=204, **may("pipelines:write"))
    async def delete_pipeline(who: Asking, pipeline: Id, version: Version) -> None:
        await found.records.remove(who, pipeline, version)

    return router
