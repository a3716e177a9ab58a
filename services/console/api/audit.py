"""`/v1/audit`: who did what to what. It can only be read."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.console.api.fields import Created, OneTenant
from services.console.api.paging import Listing, Paged, Resource
from services.console.api.routes import Asking, Route, may
from services.console.records import Records, Table
from shared.store.session import Store

AUDIT = Table(
    "audit",
    "au",
    {
        "id": "id",
        "tenant": "tenant_id",
        "actor": "actor",
        "action": "action",
        "object": "object",
        "before": "before",
        "after": "after",
        "created_at": "at",
    },
)

_TERM = r"^[a-z0-9_./-]{1,100}$"

Actor = Annotated[str | None, Query(pattern=_TERM, description="Only what they did, such as key/ak_0192….")]
Action = Annotated[str | None, Query(pattern=_TERM, description="Only deeds of this kind, such as agent.changed.")]
Object = Annotated[str | None, Query(pattern=_TERM, description="Only what was done to it: its id.")]


class AuditLine(Resource):
    """
    What somebody did. `tenant`: whose the object is; null for the platform's.

    `before`, `after`: what differs; no secrets.
    """

    tenant: str | None
    actor: str
    action: str
    object: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    created_at: datetime


def audit(store: Store) -> APIRouter:
    """Return the route."""
    records = Records(store, AUDIT)
    router = APIRouter(prefix="/v1/audit", tags=["audit"], route_class=Route)

    @router.get("", **may("audit:read"))
    async def list_audit(
        who: Asking,
        page: Paged,
        *,
        created: Created,
        tenant: OneTenant = None,
        actor: Actor = None,
        action: Action = None,
        object: Object = None,  # noqa: A002 - its name in the API
    ) -> Listing[AuditLine]:
        wanted = {"tenant": tenant, "actor": actor, "action": action, "object": object, "created_at": created}
        return page.of([AuditLine(**row) for row in await records.list(who, page.before, page.limit + 1, **wanted)])

    return router
