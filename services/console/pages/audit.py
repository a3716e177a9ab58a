"""Audit: who did what to what, and what differs since."""

import orjson
from fastapi import APIRouter
from fastapi.responses import Response

from services.console.api.audit import AUDIT, AuditLine
from services.console.api.routes import may
from services.console.pages.choices import companies
from services.console.pages.paging import ROWS, paged, place
from services.console.pages.routes import Page
from services.console.pages.view import Looking
from services.console.records import Records
from shared.store.session import Store

_FILTERS = ("actor", "action", "object", "since", "until")


def audit(store: Store) -> APIRouter:
    """Return the page."""
    router = APIRouter(route_class=Page)
    records = Records(store, AUDIT)

    @router.get("/audit", **may("audit:read"))
    async def audit_list(view: Looking) -> Response:
        """Show the company's log; the platform's admin sees everybody's where none is chosen."""
        given = {name: view.request.query_params.get(name, "")[:100] or None for name in ("tenant", *_FILTERS)}
        tenant = None if view.who.is_platform and given["tenant"] is None else view.company(given["tenant"])
        rows = await records.list(
            view.who,
            place(view),
            ROWS + 1,
            tenant=tenant,
            actor=given["actor"],
            action=given["action"],
            object=given["object"],
            created_at=view.days(given["since"], given["until"]),
        )
        return view.page(
            "audit.html",
            list=paged(
                view, [AuditLine(**row) for row in rows[:ROWS]], rows[ROWS - 1]["id"] if len(rows) > ROWS else None
            ),
            tenant=tenant,
            companies=await companies(store, view, "/audit", tenant),
            asked=given,
            is_filtered=any(given[name] for name in _FILTERS),
            as_json=lambda it: orjson.dumps(it, option=orjson.OPT_INDENT_2).decode(),
        )

    return router
