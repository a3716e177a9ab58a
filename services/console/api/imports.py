"""`/v1/imports/{kind}`: a file of products, listings or orders, in place of the one before."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from services.console.api.data_sources import Country, Currency, DataSource, Kind
from services.console.api.fields import OneTenant, shown, whose
from services.console.api.problems import Problem
from services.console.api.routes import Asking, Route, may
from services.console.catalogue_imports import Imports, Upload
from services.console.settings import Language
from shared.catalogue import Broken

MOST_BYTES = 20_000_000


def imports(taking: Imports) -> APIRouter:
    """Return the route."""
    router = APIRouter(prefix="/v1/imports", tags=["data sources"], route_class=Route)

    @router.put("/{kind}", **_takes_a_file())
    async def import_file(  # noqa: PLR0917 - a route takes what it takes
        who: Asking,
        kind: Kind,
        request: Request,
        response: Response,
        tenant: OneTenant = None,
        currency: Annotated[Currency | None, Query()] = None,
        country: Annotated[Country | None, Query()] = None,
        language: Annotated[Language, Query(description="How words are stemmed.")] = "simple",
    ) -> DataSource:
        upload = Upload(kind, await _content(request), currency, country, language)
        try:
            row = await taking.take(who, whose(who, tenant), upload)
        except Broken as broken:
            raise Problem(422, "file_broken", str(broken), errors=_told(broken)) from None
        return shown(response, DataSource, row)

    return router


def _takes_a_file() -> dict[str, Any]:
    declared = may("catalogue:write")
    body = {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
    return {"openapi_extra": {**declared["openapi_extra"], "requestBody": body}}


async def _content(request: Request) -> str:
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > MOST_BYTES:
            raise Problem(413, "file_too_large", f"A file may have {MOST_BYTES:,} bytes.")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise Problem(422, "file_broken", "The file is not a text in UTF-8.") from None


def _told(broken: Broken) -> list[dict[str, str]]:
    """Return the faults, each with the line and the field as its place."""
    return [{"pointer": f"/{it.line}/{it.field}", "code": "line", "detail": it.problem} for it in broken.faults]
