"""Bindings: numbers that write as a user, and how one is ended by force."""

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter
from fastapi.responses import Response
from psycopg.rows import DictRow

from services.console.api.bindings import BINDINGS, MOST_COUNTED, Binding, Id, shown_binding
from services.console.api.routes import may
from services.console.bindings import Bindings
from services.console.pages.choices import companies, users
from services.console.pages.navigation import _
from services.console.pages.paging import ROWS, apart, paged, place, reach, standing
from services.console.pages.routes import Page
from services.console.pages.view import Looking, View
from services.console.records import Unknown
from services.console.scan import existing, owner
from shared.ids import TenantId

_FILTERS = ("user", "status", "since", "until")
_DAY = timedelta(hours=24)
_LONGEST_REASON = 500
_WROTE = """
exists (select from conversation join message on message.conversation_id = conversation.id
        where conversation.contact_id = binding.contact_id and conversation.user_id = binding.user_id
          and message.received_at > now() - interval '24 hours') = %s
"""
_NAMES = "select id, coalesce(nullif(name, ''), email) as name from app_user where id = any(%s)"


def bindings(ends: Bindings) -> APIRouter:
    """Return the pages."""
    router = APIRouter(route_class=Page)

    @router.get("/bindings", **may("bindings:read"))
    async def binding_list(view: Looking) -> Response:
        return await _list(view, ends)

    @router.get("/bindings/{binding}/unbinding", **may("bindings:write"))
    async def unbind_page(view: Looking, binding: Id) -> Response:
        return await _dialog(view, ends, binding)

    @router.post("/bindings/{binding}/unbinding", **may("bindings:write"))
    async def unbind(view: Looking, binding: Id) -> Response:
        """End it; where somebody else did meanwhile, the list says so and shows what is left."""
        reason = str(view.form.get("reason", "")).strip()[:_LONGEST_REASON]
        try:
            if not reason:
                return await _dialog(view, ends, binding, 422)
            told = await ends.unbind(view.who, binding, reason, goodbye=bool(view.form.get("goodbye")))
        except Unknown:
            return await _list(view, ends, 409 if await ends.is_over(view.who, binding) else 404)
        return view.go("/bindings", done="unbound-told" if told else "unbound")

    return router


async def _list(view: View, ends: Bindings, status: int = 200) -> Response:
    asked = {name: view.request.query_params.get(name, "")[:64] or None for name in ("tenant", *_FILTERS)}
    tenant = await existing(ends.store, view.who, view.company(asked["tenant"]))
    within = {
        "tenant_id = %s": tenant,
        "user_id = %s": asked["user"],
        **view.days(asked["since"], asked["until"]).within("created_at"),
    }
    wanted = {_WROTE: {"writing": True, "quiet": False}.get(asked["status"] or "")}
    async with ends.store.transaction(tenant) as connection:
        found = await BINDINGS.read(connection, within, wanted, place(view), reach(view))
        news, kept = apart(view, found.rows, [row["created_at"] for row in found.rows])
        rows, behind = found.keeping(kept).page(ROWS, BINDINGS.order)
        named = await (await connection.execute(_NAMES, ([row["user"] for row in rows],))).fetchall()
    shown = paged(view, [_with_status(ends, row) for row in rows], behind, news)
    page = view.page(
        "bindings.html",
        status,
        list=shown,
        is_gone=status != 200,  # noqa: PLR2004 - as every page
        tenant=tenant,
        companies=await companies(ends.store, view, "/bindings", tenant),
        users=await users(ends.store, view, "/bindings", tenant, asked["user"]),
        names={row["id"]: row["name"] for row in named},
        asked=asked,
        is_filtered=any(asked[name] for name in _FILTERS),
        most=MOST_COUNTED,
    )
    return standing(page, shown)


async def _dialog(view: View, ends: Bindings, binding: str, status: int = 200) -> Response:
    tenant: TenantId = await owner(ends.store, view.who, "binding", {"id = %s": binding})
    async with ends.store.connection(tenant) as connection:
        row = await BINDINGS.one(connection, {"binding.id = %s": binding})
    error = view.text(_("Say why, for whoever looks at it later.")) if status != 200 else None  # noqa: PLR2004 - as above
    return view.page("unbind.html", status, binding=shown_binding(ends.vault, row), error=error)


def _with_status(ends: Bindings, row: DictRow) -> tuple[Binding, str]:
    last = row["last_message_at"]
    return shown_binding(ends.vault, row), "writing" if last and last > datetime.now(UTC) - _DAY else "quiet"
