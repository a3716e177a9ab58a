"""Tools: what agents can look up and do beyond talking, and how it stands. They are set up over the API."""

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.actions import ACTIONS
from services.console.api.routes import may
from services.console.catalogue import SOURCES
from services.console.mcp import SERVERS
from services.console.pages.choices import companies
from services.console.pages.routes import Page
from services.console.pages.view import Looking
from services.console.records import Records
from services.console.scan import existing
from shared.store.session import Store

_MOST = 100


def tools(store: Store) -> APIRouter:
    """Return the page."""
    router = APIRouter(route_class=Page)

    @router.get("/tools", **may("actions:read"))
    async def tool_list(view: Looking) -> Response:
        tenant = await existing(store, view.who, view.company(view.request.query_params.get("tenant")))
        sources, actions, servers = [
            await Records(store, table).list(view.who, None, _MOST, tenant=tenant)
            for table in (SOURCES, ACTIONS, SERVERS)
        ]
        return view.page(
            "tools.html",
            sources=sources,
            actions=actions,
            servers=servers,
            tenant=tenant,
            companies=await companies(store, view, "/tools", tenant),
        )

    return router
