"""
What every route of `/v1` does before and after its own work: who asks, may they, how often, and was it asked before.

A route is declared with `**may("agents:read")`; one that declares nothing cannot be made, so nothing is open by mistake.
"""

import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response

from services.console.access import SCOPES, Doorkeeper, Principal
from services.console.api.problems import Problem
from services.console.deferred import Deferred
from services.console.idempotency import Answered, InFlight, KeyReused, Requests

_PERMISSION = "x-permission"
_PLATFORM = "x-platform-only"
_LONGEST_KEY = 255

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def may(scope: str, *, platform: bool = False) -> dict[str, Any]:
    """Declare what a route needs. `platform`: no tenant's key is enough, whatever its scopes."""
    if scope not in SCOPES:
        raise ValueError(scope)
    return {"openapi_extra": {_PERMISSION: scope, _PLATFORM: platform}}


def _principal(request: Request) -> Principal:
    principal: Principal = request.state.principal
    return principal


Asking = Annotated[Principal, Depends(_principal)]
"""Who asks: for the routes' own functions."""


@dataclass
class RateLimit:
    """So many requests a minute for each key, in this process."""

    most: int = 600
    window: float = 60.0
    clock: Callable[[], float] = time.monotonic
    _used: dict[str, tuple[float, int]] = field(default_factory=dict)

    def take(self, who: str) -> dict[str, str]:
        """Count a request and return the headers that tell what is left. Raises `Problem` 429."""
        now = self.clock()
        began, used = self._used.get(who, (now, 0))
        if now - began >= self.window:
            began, used = now, 0
        self._used[who] = (began, used + 1)
        left, again = self.most - used - 1, max(1, round(began + self.window - now))
        told = {
            "RateLimit-Policy": f'"default";q={self.most};w={self.window:.0f}',
            "RateLimit": f'"default";r={max(0, left)};t={again}',
        }
        if left < 0:
            detail = f"More than {self.most} requests a minute. Try again in {again} s."
            raise Problem(429, "too_many_requests", detail, {**told, "Retry-After": str(again)})
        return told


@dataclass(frozen=True)
class Gate:
    """The collaborators of every route; `install` gives them to the application."""

    doorkeeper: Doorkeeper
    requests: Requests
    rate: RateLimit = field(default_factory=RateLimit)

    def install(self, app: FastAPI) -> None:
        """Let the application's routes pass through this gate."""
        app.state.gate = self


class Route(Deferred):
    """A route of `/v1`."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:  # noqa: ANN401 - FastAPI's own
        more["operation_id"] = more.get("operation_id") or endpoint.__name__
        super().__init__(path, endpoint, **more)
        declared = more["openapi_extra"] or {}
        self._scope: str = declared[_PERMISSION]
        self._platform: bool = declared[_PLATFORM]

    def get_route_handler(self) -> Handler:
        """Return FastAPI's handler behind the gate."""
        own = super().get_route_handler()

        async def behind_the_gate(request: Request) -> Response:
            gate: Gate = request.app.state.gate
            principal = await gate.doorkeeper.admit(request.headers.get("authorization", ""))
            if principal is None:
                raise Problem(
                    401, "unauthorized", "This route needs a key as bearer token.", {"WWW-Authenticate": "Bearer"}
                )
            request.state.principal = principal
            told = gate.rate.take(principal.id)
            self._check(principal)
            answer = await _once(gate.requests, principal, request, own)
            answer.headers.update(told)
            return answer

        return behind_the_gate

    def _check(self, principal: Principal) -> None:
        if self._platform and not principal.is_platform:
            raise Problem(404, "not_found", "There is nothing here.")
        if not principal.may(self._scope):
            raise Problem(403, "scope_missing", f"This key lacks the scope {self._scope}.")


async def _once(requests: Requests, principal: Principal, request: Request, handler: Handler) -> Response:
    """Answer a POST that carries an Idempotency-Key once, and repeat that answer for 24 hours."""
    key = request.headers.get("idempotency-key")
    if request.method != "POST" or key is None:
        return await handler(request)
    if not 0 < len(key) <= _LONGEST_KEY or not key.isprintable():
        raise Problem(
            400, "idempotency_key_invalid", f"An Idempotency-Key has 1 to {_LONGEST_KEY} printable characters."
        )
    asked = f"{request.method} {request.url.path}?{request.url.query}".encode() + b"\n" + await request.body()
    try:
        before = await requests.begin(principal, key, asked)
    except KeyReused:
        raise Problem(422, "idempotency_key_reused", "This Idempotency-Key came with another request before.") from None
    except InFlight:
        raise Problem(409, "request_in_flight", "A request with this Idempotency-Key is still running.") from None
    if before is not None:
        return Response(before.body, before.status, dict(before.headers))
    try:
        answer = await handler(request)
    except BaseException:
        await requests.forget(principal, key)
        raise
    if answer.headers.get("cache-control") == "no-store":
        await requests.forget(principal, key)  # it holds what may not be kept: who asks again gets it anew
        return answer
    kept = {name: value for name, value in answer.headers.items() if name in {"content-type", "etag", "location"}}
    await requests.finish(principal, key, Answered(answer.status_code, kept, bytes(answer.body)))
    return answer
