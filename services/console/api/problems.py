"""Errors of the API: problem documents (RFC 9457), which never repeat what was sent."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from opentelemetry import trace
from starlette.exceptions import HTTPException

_TYPE = "https://trunkline.invalid/problems/"


class Problem(Exception):
    """An error answer."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        errors: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers
        self.errors = errors


Faults = Mapping[type[Exception], tuple[int, str, str | None]]
"""Status, code and detail for each way in which a request can fail; without a detail, the exception's own words."""


def install(app: FastAPI, faults: Faults) -> None:
    """Let every error of the app be a problem document."""
    for kind, (status, code, detail) in faults.items():
        app.add_exception_handler(kind, _told(status, code, detail))

    @app.exception_handler(Problem)
    async def _problem(_request: Request, problem: Problem) -> JSONResponse:
        return document(problem.status, problem.code, problem.detail, problem.errors, problem.headers)

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> JSONResponse:
        return document(error.status_code, HTTPStatus(error.status_code).name.lower(), "")

    @app.exception_handler(RequestValidationError)
    async def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        faults = [
            {"pointer": "/" + "/".join(map(str, fault["loc"])), "code": fault["type"], "detail": fault["msg"]}
            for fault in error.errors()
        ]
        return document(422, "invalid_request", "The request does not have the form that this route takes.", faults)

    @app.exception_handler(Exception)
    async def _unexpected(_request: Request, _error: Exception) -> JSONResponse:
        return document(500, "internal_error", "Something went wrong here. Please try again.")


def _told(status: int, code: str, detail: str | None) -> Callable[[Request, Exception], JSONResponse]:
    def answer(_request: Request, error: Exception) -> JSONResponse:
        return document(status, code, str(error) if detail is None else detail)

    return answer


def document(
    status: int,
    code: str,
    detail: str,
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return a problem document."""
    context = trace.get_current_span().get_span_context()
    body: dict[str, object] = {
        "type": _TYPE + code.replace("_", "-"),
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "trace_id": trace.format_trace_id(context.trace_id) if context.is_valid else None,
    }
    if errors:
        body["errors"] = errors
    return JSONResponse(body, status, headers=headers, media_type="application/problem+json")
