"""`/v1/contacts/{contact}/erasures`, `…/exports` and `/v1/erasures`: what a person may ask of whoever holds their data."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from pydantic import AfterValidator, BaseModel, StringConstraints

from services.console.api.fields import Body, Reason, id_in_path
from services.console.api.paging import Resource
from services.console.api.problems import Problem
from services.console.api.routes import Asking, Route, may
from services.console.erasure import Erasure as Begun
from services.console.erasure import Erasures, Wanted
from services.console.exports import Exports
from shared.addresses import PERSON, WHATSAPP, whatsapp
from shared.ids import ContactId

_JSON, _ZIP = "application/json", "application/zip"
_MOST_SIGNS = 340


def _address(raw: str) -> str:
    address = whatsapp(raw)
    if not PERSON.fullmatch(address):
        raise ValueError("not a phone number such as +14155238886, nor a user id")
    return address


Id = Annotated[str, id_in_path("ct")]
Address = Annotated[str, StringConstraints(max_length=_MOST_SIGNS), AfterValidator(_address)]
Accept = Annotated[str, Header(description="application/json, or application/zip for tables as CSV beside it.")]


class Erasure(Resource):
    """
    A person who was forgotten, or is being.

    `erased`: rows that went, by table. `copies_left`: messages that the provider has not deleted yet. `finished_at`: null while
    something is left to do; that goes on by itself.
    """

    tenant: str
    contact: str
    provider_copies: bool
    erased: dict[str, int]
    copies_left: int
    created_at: datetime
    finished_at: datetime | None


class NewErasure(Body):
    """Why somebody is to be forgotten; no personal data. `provider_copies`: delete the provider's copies too."""

    reason: Reason
    provider_copies: bool = False


class NewErasureByAddress(NewErasure):
    """Who is to be forgotten, by phone number or user id."""

    address: Address


class Found(BaseModel):
    """The erasures of whoever has an address: one for each company."""

    items: list[Erasure]


_ANSWERS: dict[int | str, dict[str, Any]] = {
    201: {
        "description": "What is held of the person. Texts and addresses that are not kept any more are null.",
        "content": {
            _JSON: {"schema": {"type": "object"}},
            _ZIP: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


def people(erasures: Erasures, exports: Exports) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1", tags=["contacts"], route_class=Route)

    @router.post("/contacts/{contact}/erasures", status_code=201, **may("contacts:write"))
    async def erase_contact(who: Asking, contact: Id, wanted: NewErasure) -> Erasure:
        return _erasure(await erasures.erase(who, ContactId(contact), Wanted(wanted.reason, wanted.provider_copies)))

    @router.post("/erasures", status_code=201, **may("contacts:write"))
    async def erase_address(who: Asking, wanted: NewErasureByAddress) -> Found:
        what = Wanted(wanted.reason, wanted.provider_copies)
        return Found(items=[_erasure(it) for it in await erasures.erase_address(who, WHATSAPP, wanted.address, what)])

    @router.post(
        "/contacts/{contact}/exports",
        status_code=201,
        response_class=Response,
        responses=_ANSWERS,
        **may("contacts:read"),
    )
    async def export_contact(who: Asking, contact: Id, accept: Accept = _JSON) -> Response:
        kind = _ZIP if _ZIP in accept else _JSON
        if kind not in accept and "*/*" not in accept:
            raise Problem(406, "not_acceptable", f"An export is {_JSON} or {_ZIP}.")
        export = await exports.make(who, ContactId(contact))
        body = export.archive() if kind == _ZIP else export.document()
        return Response(body, 201, {"Cache-Control": "no-store"}, media_type=kind)

    return router


def _erasure(found: Begun) -> Erasure:
    return Erasure(**asdict(found))
