"""`POST /v1/jobs/gap-fill/runs`: runs the periodic job now."""

from dataclasses import asdict

from fastapi import APIRouter
from pydantic import BaseModel

from services.console.api.problems import Faults
from services.console.gap_fill import AlreadyRunning, GapFill

FAULTS: Faults = {AlreadyRunning: (409, "job_running", "This job is running already.")}


class GapFillRun(BaseModel):
    """What a run came to: lines looked at, messages that Twilio listed, those that we never got, lines it failed for."""

    lines: int
    listed: int
    found: int
    failed: int


def jobs(gap_fill: GapFill) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/jobs")

    @router.post("/gap-fill/runs", status_code=201)
    async def fill() -> GapFillRun:
        return GapFillRun(**asdict(await gap_fill.run()))

    return router
