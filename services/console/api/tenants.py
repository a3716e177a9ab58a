"""`/v1/tenants`: companies, and what holds for all that they have. Only the platform makes them."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from services.console.api.fields import Body, Created, Name, Version, id_in_path, id_pattern, omitted, shown
from services.console.api.paging import Listing, Paged, Resource
from services.console.api.problems import Problem
from services.console.api.routes import Asking, Route, may
from services.console.records import Records, Table
from shared.store.session import Store

TENANTS = Table(
    "tenant",
    "tn",
    {
        "id": "id",
        "tenant": "id",
        "name": "name",
        "agent": "agent_id",
        "privacy": "privacy",
        "history": "history",
        "retention_days": "retention_days",
        "daily_messages": "daily_messages",
        "daily_tokens": "daily_tokens",
        "version": "version",
        "created_at": "created_at",
    },
)

ADMINS_OWN = frozenset({"agent", "history"})
"""What a company's own admin may change; the rest is the platform's (spec.md, section 5)."""

Id = Annotated[str, id_in_path("tn")]
AgentId = Annotated[str, Field(pattern=id_pattern("ag"))]
Privacy = Literal["hashed", "encrypted"]
Days = Annotated[int, Field(ge=1, le=3650)]
Daily = Annotated[int, Field(ge=0, le=10_000_000)]
DailyTokens = Annotated[int, Field(ge=0, le=10**12)]


class Tenant(Resource):
    """
    A company.

    `agent`: who answers its users on shared lines. `privacy`: whether contacts' numbers are kept (encrypted) or only until
    their window has closed (hashed). `history`: whether texts may be read later. `daily_messages`: quota of inbound messages
    a day; `daily_tokens`: of the tokens that its agents may spend a day, by UTC; null: none.
    """

    name: str
    agent: str | None
    privacy: Privacy
    history: bool
    retention_days: int
    daily_messages: int | None
    daily_tokens: int | None
    created_at: datetime


class NewTenant(Body):
    """A company to be made."""

    name: Name
    privacy: Privacy = "hashed"
    history: bool = False
    retention_days: Days = 90
    daily_messages: Daily | None = None
    daily_tokens: DailyTokens | None = None


class TenantChange(Body):
    """What shall be different; the rest stays."""

    name: Name = omitted()
    agent: AgentId | None = omitted()
    privacy: Privacy = omitted()
    history: bool = omitted()
    retention_days: Days = omitted()
    daily_messages: Daily | None = omitted()
    daily_tokens: DailyTokens | None = omitted()


def tenants(store: Store) -> APIRouter:
    """Return the routes."""
    records = Records(store, TENANTS)
    router = APIRouter(prefix="/v1/tenants", tags=["tenants"], route_class=Route)

    @router.get("", **may("tenants:read"))
    async def list_tenants(who: Asking, page: Paged, created: Created) -> Listing[Tenant]:
        found = await records.list(who, page.before, page.limit + 1, created_at=created)
        return page.of([Tenant(**row) for row in found])

    @router.post("", status_code=201, **may("tenants:write", platform=True))
    async def create_tenant(who: Asking, wanted: NewTenant, response: Response) -> Tenant:
        return shown(response, Tenant, await records.make(who, None, wanted.model_dump()))

    @router.get("/{tenant}", **may("tenants:read"))
    async def get_tenant(who: Asking, tenant: Id, response: Response) -> Tenant:
        return shown(response, Tenant, await records.get(who, tenant))

    @router.patch("/{tenant}", **may("tenants:write"))
    async def change_tenant(
        who: Asking, tenant: Id, version: Version, wanted: TenantChange, response: Response
    ) -> Tenant:
        values = wanted.model_dump(exclude_unset=True)
        if not who.is_platform and (beyond := values.keys() - ADMINS_OWN):
            raise Problem(403, "set_by_platform", f"Set by the platform's admin: {', '.join(sorted(beyond))}.")
        return shown(response, Tenant, await records.change(who, tenant, version, values))

    return router
