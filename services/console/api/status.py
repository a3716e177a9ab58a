"""`GET /v1/status`: how the platform does."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from services.console.api.routes import Route, may
from services.console.readiness import Readiness, State

_WORDS: dict[str, Literal["ready", "not_ready", "down"]] = {"Ready": "ready", "Not ready": "not_ready", "Down": "down"}


class ServiceState(BaseModel):
    """How a service does. `checks`: what it needs; `ok`, or what is wrong with it."""

    name: str
    state: Literal["ready", "not_ready", "down"]
    checks: dict[str, str]


class PlatformStatus(BaseModel):
    """How all of it does. `clock_ahead`: seconds of the console's clock before the database's; null: that does not answer."""

    services: list[ServiceState]
    clock_ahead: float | None


def status(readiness: Readiness) -> APIRouter:
    """Return the route."""
    router = APIRouter(prefix="/v1", tags=["status"], route_class=Route)

    @router.get("/status", **may("settings:read", platform=True))
    async def get_status() -> PlatformStatus:
        states = await readiness.states()
        return PlatformStatus(services=[_state(it) for it in states], clock_ahead=await readiness.clock_ahead())

    return router


def _state(state: State) -> ServiceState:
    return ServiceState(name=state.name, state=_WORDS[state.word], checks=dict(state.checks))
