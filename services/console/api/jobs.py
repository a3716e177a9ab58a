"""`POST /v1/jobs/gap-fill/runs`: runs the periodic job now."""

from dataclasses import asdict

from fastapi import APIRouter
from pydantic import BaseModel

from services.console.api.problems import Faults
from services.console.api.routes import Asking, Route, may
from services.console.gap_fill import AlreadyRunning, GapFill
from services.console.lines import Lines

FAULTS: Faults = {AlreadyRunning: (409, "job_running", "This job is running already.")}


class GapFillRun(BaseModel):
    """What a run came to: lines looked at, messages that Twilio listed, those that we never got, lines it failed for."""

    lines: int
    listed: int
    found: int
    failed: int


class ProvisioningRun(BaseModel):
    """What a run came to: lines looked at, set anew, that had drifted, and that could not be asked or set."""

    lines: int
    provisioned: int
    drifted: int
    failed: int


def jobs(gap_fill: GapFill, lines: Lines) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=Route)

    @router.post("/gap-fill/runs", status_code=201, **may("jobs:write", platform=True))
    async def run_gap_fill() -> GapFillRun:
        return GapFillRun(**asdict(await gap_fill.run()))

    @router.post("/provisioning/runs", status_code=201, **may("jobs:write", platform=True))
    async def run_provisioning(who: Asking) -> ProvisioningRun:
        return ProvisioningRun(**asdict(await lines.refresh(who)))

    return router
