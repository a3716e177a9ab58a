"""`/v1/pipelines/{pipeline}/versions`, activations and rollbacks: which version runs."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import Field

from services.console.api.fields import Body, Version, shown
from services.console.api.paging import Listing, Paged, Resource
from services.console.api.pipelines import Id, Pipeline
from services.console.api.routes import Asking, Route, may
from services.console.pipelines import Pipelines

Ordinal = Annotated[int, Path(ge=1, le=1_000_000_000)]


class PipelineVersion(Resource):
    """A version, as it is for ever. `id`: its number. `author`: who made it."""

    number: int
    document: str
    author: str
    created_at: datetime


class Activation(Body):
    """Which version turns shall run. `number`: null for the draft, which becomes the newest version."""

    number: int | None = Field(None, ge=1, le=1_000_000_000)


def pipeline_versions(found: Pipelines) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/pipelines/{pipeline}", tags=["pipelines"], route_class=Route)

    @router.get("/versions", **may("pipelines:read"))
    async def list_pipeline_versions(who: Asking, page: Paged, pipeline: Id) -> Listing[PipelineVersion]:
        rows = await found.versions(who, pipeline, page.before, page.limit + 1)
        return page.of([PipelineVersion(id=str(row["number"]), **row) for row in rows])

    @router.get("/versions/{ordinal}", **may("pipelines:read"))
    async def get_pipeline_version(who: Asking, pipeline: Id, ordinal: Ordinal) -> PipelineVersion:
        return PipelineVersion(id=str(ordinal), **await found.version(who, pipeline, ordinal))

    @router.post("/activations", **may("pipelines:write"))
    async def activate_pipeline(
        who: Asking, pipeline: Id, version: Version, wanted: Activation, response: Response
    ) -> Pipeline:
        return shown(response, Pipeline, await found.activate(who, pipeline, version, wanted.number))

    @router.post("/rollbacks", **may("pipelines:write"))
    async def roll_back_pipeline(who: Asking, pipeline: Id, version: Version, response: Response) -> Pipeline:
        return shown(response, Pipeline, await found.roll_back(who, pipeline, version))

    return router
