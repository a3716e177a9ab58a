"""Messages: what people wrote and what they were sent; and one message, with everything that happened to it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, get_args

from fastapi import APIRouter, Path
from fastapi.responses import Response

from services.console.api.messages import Id, Message, reader, shown_message, with_steps
from services.console.api.routes import may
from services.console.given_up import letter_of
from services.console.messages import Direction, Wanted
from services.console.pages import causes
from services.console.pages.choices import companies
from services.console.pages.paging import ROWS, apart, paged, place, reach, standing
from services.console.pages.routes import Page
from services.console.pages.view import Looking, View
from services.console.records import Unknown
from services.console.scan import existing
from shared.addresses import PERSON, Pepper, whatsapp
from shared.ids import TenantId
from shared.store.session import Store
from shared.vault import Vault

_FILTERS = ("direction", "status", "channel", "provider_sid", "contact", "since", "until")
_STATES = ("asked", "rate_limited", "queued", "sending", "accepted", "sent", "delivered", "read", "undelivered", "failed",
           "unknown", "parked", "cancelled")  # fmt: skip
_Sid = Annotated[str, Path(pattern=r"^[A-Za-z0-9]{1,64}$")]


def messages(store: Store, vault: Vault, pepper: Pepper, trace_url: str | None) -> APIRouter:
    """Return the pages. `trace_url`: where a trace is looked at."""
    router = APIRouter(route_class=Page)
    found = reader(store, pepper)

    @router.get("/messages", **may("messages:read"))
    async def message_list(view: Looking) -> Response:
        asked = view.request.query_params
        tenant = await existing(store, view.who, view.company(asked.get("tenant")))
        part = await found.read(tenant, _wanted(view), place(view), reach(view) - 1)
        news, rows = apart(view, part.rows, [row["moment"] for row in part.rows])
        shown = [Message(**shown_message(vault, row, row["direction"])) for row in rows[:ROWS]]
        list_ = paged(view, shown, _mark_of(shown) if len(rows) > ROWS else part.mark, news)
        page = view.page(
            "messages.html",
            list=list_,
            tenant=tenant,
            companies=await companies(store, view, "/messages", tenant),
            states=_STATES,
            is_filtered=any(asked.get(name) for name in _FILTERS),
            trace_url=trace_url,
        )
        return standing(page, list_)

    @router.post("/messages/searches", **may("messages:read"))
    async def search(view: Looking) -> Response:
        """Look for a person's number, which stays out of the address: that names the person."""
        tenant = await existing(store, view.who, view.company(str(view.form.get("tenant", "")) or None))
        address = whatsapp(str(view.form.get("number", ""))[:340])
        person = await found.contact_of(tenant, address) if PERSON.fullmatch(address) else None
        return view.go("/messages", tenant=tenant, contact=person or "ct_nobody")

    @router.get("/messages/by-sid/{sid}", **may("messages:read"))
    async def message_by_sid(view: Looking, sid: _Sid) -> Response:
        """Lead to the message that has this id at Twilio, for whoever knows only that."""
        tenant = await found.tenant_of_sid(view.who, sid)
        rows = (await found.read(tenant, Wanted(sid=sid), None, 1)).rows if tenant else []
        if not rows:
            raise Unknown
        return view.go(f"/messages/{shown_message(vault, rows[0], rows[0]['direction'])['id']}")

    @router.get("/messages/{message}", **may("messages:read"))
    async def one_message(view: Looking, message: Id) -> Response:
        shown = await with_steps(found, vault, view.who, message)
        async with store.connection(TenantId(shown.tenant)) as connection:
            letter = await letter_of(connection, shown.id)
        failure = shown.failure or (letter["reason"] if letter else None)
        return view.page(
            "message.html",
            message=shown,
            letter=letter,
            cause=causes.of(failure, shown.error_code),
            trace_url=trace_url.replace("{trace_id}", shown.trace_id) if trace_url and shown.trace_id else None,
        )

    return router


def _wanted(view: View) -> Wanted:
    """Return what the address asks for. What is no direction, day or id finds what nothing has."""
    asked = {name: view.request.query_params.get(name, "")[:64] or None for name in _FILTERS}
    direction: Direction | None = next((it for it in get_args(Direction) if it == asked["direction"]), None)
    return Wanted(
        direction=direction,
        status=asked["status"],
        channel=asked["channel"],
        sid=asked["provider_sid"],
        contact=asked["contact"],
        arrived=view.days(asked["since"], asked["until"]),
    )


def _mark_of(shown: Sequence[Message]) -> tuple[datetime, str] | None:
    return (shown[-1].created_at, shown[-1].id) if shown else None
