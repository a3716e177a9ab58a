"""What the simulator's own API takes: strict JSON, whole numbers, waits; what makes no sense is refused in words."""

import math
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

_MOST_WAIT = 60.0
_MOST_DIGITS = 18

Handler = Callable[[Request], Awaitable[Response]]


class Order(BaseModel):
    """What is asked in a body: nothing but its fields."""

    model_config = ConfigDict(extra="forbid")


class BadRequest(ValueError):
    """What was asked makes no sense; says what would."""


def endpoint(handler: Handler) -> Handler:
    """Return a handler that answers nonsense with 400 and a sentence: any ValueError's, which are ours."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except ValidationError as invalid:
            return JSONResponse({"error": _named(invalid)}, 400)
        except ValueError as bad:
            return JSONResponse({"error": str(bad)}, 400)

    return answer


async def json_of(request: Request) -> dict[str, Any]:
    """Return the body, which must be a JSON object."""
    try:
        asked = orjson.loads(await request.body())  # strict: no half characters, no endless nesting
    except orjson.JSONDecodeError:
        raise BadRequest("the body is not JSON") from None
    if not isinstance(asked, dict):
        raise BadRequest("the body is not a JSON object")
    return asked


def number(request: Request, name: str) -> int | None:
    """Return a whole number of the query, None where it is not given."""
    raw = request.query_params.get(name)
    if raw is None:
        return None
    if not (raw.isascii() and raw.isdecimal() and len(raw) <= _MOST_DIGITS):
        raise BadRequest(f"{name}: a whole number from 0 is needed")
    return int(raw)


def seconds(request: Request, name: str, default: float = 0) -> float:
    """Return the seconds of the query, at most as many as anybody may wait."""
    try:
        asked = float(request.query_params.get(name, default))
    except ValueError:
        asked = math.nan
    if not 0 <= asked < math.inf:
        raise BadRequest(f"{name}: a number of seconds from 0 is needed")
    return min(asked, _MOST_WAIT)


def _named(invalid: ValidationError) -> str:
    """Say what is wrong with each field, and nothing else."""
    faults = invalid.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)
