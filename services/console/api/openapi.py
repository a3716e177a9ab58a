"""The API's description: OpenAPI 3.1, as committed in docs/openapi.json."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "trace_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "A stable address for this kind of problem."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable, for programs."},
        "detail": {"type": "string", "description": "For people. Never repeats what was sent."},
        "trace_id": {"type": ["string", "null"]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {name: {"type": "string"} for name in ("pointer", "code", "detail")},
            },
        },
    },
}
_ANSWER = {
    "description": "A problem (RFC 9457).",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_WITHOUT = ("HTTPValidationError", "ValidationError")


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the description of the application's routes below `/v1`."""
    found: dict[str, Any] = get_openapi(
        title=app.title,
        version=app.version,
        routes=app.routes,
        description="Tenants, lines, people and messages of a Trunkline platform. Every route needs a key as bearer token.",
    )
    for operations in found["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _ANSWER
            operation["security"] = [{"key": []}]
    parts = found.setdefault("components", {})
    parts["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "description": "`tlk_…`"}}
    parts["schemas"] = {name: it for name, it in parts.get("schemas", {}).items() if name not in _WITHOUT}
    parts["schemas"]["Problem"] = _PROBLEM
    return found
