"""API keys: shown once, with scopes; when they were used last; revoked for good."""

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.access import RESOURCES, SCOPES
from services.console.api.api_keys import API_KEYS, NewApiKey
from services.console.api.api_keys import make as make_key
from services.console.api.api_keys import revoke as revoke_key
from services.console.api.routes import may
from services.console.pages.choices import companies, company_names
from services.console.pages.forms import FINE, Wrong, filled, text
from services.console.pages.paging import ROWS, paged, place
from services.console.pages.routes import Page
from services.console.pages.view import Errors, Looking, View
from services.console.records import Records
from shared.store.session import Store


def api_keys(store: Store) -> APIRouter:
    """Return the pages."""
    router = APIRouter(route_class=Page)
    records = Records(store, API_KEYS)

    @router.get("/api-keys", **may("api-keys:read"))
    async def key_list(view: Looking) -> Response:
        rows = await records.list(view.who, place(view), ROWS + 1)
        return view.page(
            "api_keys.html",
            list=paged(view, rows[:ROWS], rows[ROWS - 1]["id"] if len(rows) > ROWS else None),
            names=await company_names(store, view, (row["tenant"] for row in rows)),
        )

    @router.get("/api-keys/new", **may("api-keys:write"))
    async def new_key(view: Looking) -> Response:
        return await _page(store, view)

    @router.post("/api-keys", **may("api-keys:write"))
    async def make(view: Looking) -> Response:
        ends = view.days(None, text(view, "until", 10) or None).below
        tenant = text(view, "tenant", 64) or None
        scopes = [str(scope) for scope in view.form.getlist("scopes")]
        try:
            wanted = filled(view, NewApiKey, tenant=tenant, scopes=scopes, expires_at=ends)
        except Wrong as wrong:
            return await _page(store, view, 422, wrong.errors)
        return view.page("api_key_made.html", key=await make_key(records, view.who, wanted))

    @router.get("/api-keys/{key}/revocations", **may("api-keys:write"))
    async def ask(view: Looking, key: str) -> Response:
        return view.page("api_key_revoke.html", key=await records.get(view.who, key))

    @router.post("/api-keys/{key}/revocations", **may("api-keys:write"))
    async def revoke(view: Looking, key: str) -> Response:
        await revoke_key(store, view.who, key)
        return view.go("/api-keys", done="revoked")

    return router


async def _page(store: Store, view: View, status: int = 200, errors: Errors = FINE) -> Response:
    chosen = text(view, "tenant", 64) or view.request.query_params.get("tenant", "")[:64] or None
    return view.page(
        "api_key_new.html",
        status,
        errors=errors,
        scopes=[(name, sorted(it for it in SCOPES if it.startswith(f"{name}:"))) for name in RESOURCES],
        companies=await companies(store, view, "/api-keys/new", chosen),
    )
