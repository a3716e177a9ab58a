"""`POST /v1/jobs/privacy/runs`, `…/retention/runs`: lets go now of what nobody may keep."""

from dataclasses import asdict

from fastapi import APIRouter
from pydantic import BaseModel

from services.console.api.routes import Route, may
from services.console.privacy import Privacy
from services.console.retention import Retention


class PrivacyRun(BaseModel):
    """What a run dropped: contacts' addresses with their names, and texts."""

    addresses: int
    texts: int


class RetentionRun(BaseModel):
    """How many rows a run deleted, by table."""

    rows: dict[str, int]


def housekeeping(privacy: Privacy, retention: Retention) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=Route)

    @router.post("/privacy/runs", status_code=201, **may("jobs:write", platform=True))
    async def run_privacy() -> PrivacyRun:
        return PrivacyRun(**asdict(await privacy.run()))

    @router.post("/retention/runs", status_code=201, **may("jobs:write", platform=True))
    async def run_retention() -> RetentionRun:
        return RetentionRun(rows=await retention.run())

    return router
