"""`POST /v1/jobs/gap-fill/runs`, `…/canary/runs`, …: runs the periodic job now."""

from dataclasses import asdict

from fastapi import APIRouter
from pydantic import BaseModel

from services.console.api.problems import Faults
from services.console.api.routes import Asking, Route, may
from services.console.canaries import Canaries
from services.console.gap_fill import GapFill
from services.console.job import AlreadyRunning
from services.console.lines import Lines
from shared.store.repepper import Repepper
from shared.store.rewrap import Rewrap

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


class CanaryRun(BaseModel):
    """What a run came to: lines that were watched, those whose canary was answered, and at which stage the others' got stuck."""

    lines: int
    answered: int
    stuck: dict[str, int]


class RewrapRun(BaseModel):
    """
    What a run came to, and which older keys are still needed.

    `done`, `unreadable`: values that were sealed anew, and those that no key opens, by column. `keys`, `peppers`: what still
    names each id of the rings, and how often; an id that is not listed can be taken out (ADR 11).
    """

    done: dict[str, int]
    unreadable: dict[str, int]
    rekeyed: int
    keys: dict[int, dict[str, int]]
    peppers: dict[int, dict[str, int]]


def jobs(gap_fill: GapFill, lines: Lines, canaries: Canaries, rewrap: Rewrap, repepper: Repepper) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=Route)

    @router.post("/gap-fill/runs", status_code=201, **may("jobs:write", platform=True))
    async def run_gap_fill() -> GapFillRun:
        return GapFillRun(**asdict(await gap_fill.run()))

    @router.post("/provisioning/runs", status_code=201, **may("jobs:write", platform=True))
    async def run_provisioning(who: Asking) -> ProvisioningRun:
        return ProvisioningRun(**asdict(await lines.refresh(who)))

    @router.post("/canary/runs", status_code=201, **may("jobs:write", platform=True))
    async def run_canary() -> CanaryRun:
        ran = await canaries.run()
        return CanaryRun(lines=ran.lines, answered=ran.answered, stuck=dict(ran.stuck))

    @router.post("/rewrap/runs", status_code=201, **may("jobs:write", platform=True))
    async def run_rewrap() -> RewrapRun:
        progress, rekeyed = await rewrap.run(), await repepper.run()
        return RewrapRun(
            done=+progress.done,
            unreadable=+progress.unreadable,
            rekeyed=rekeyed,
            keys=await rewrap.named(),
            peppers=await repepper.named(),
        )

    return router
