"""`/v1/bindings`: paired numbers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from services.console.api.fields import Body, Created, OneChannel, OneTenant, Reason, id_in_path, id_pattern, whose
from services.console.api.paging import Listing, Paged, Resource
from services.console.api.routes import Asking, Route, may
from services.console.bindings import Bindings
from services.console.scan import Scan, existing, owner
from shared.masking import masked
from shared.store.sealed import BINDING_ADDRESS
from shared.vault import Vault

MOST_COUNTED = 1_000

BINDINGS = Scan(
    "binding",
    ("id",),
    """
    binding.id, binding.tenant_id as tenant, binding.user_id as user, binding.channel, binding.sealed_address,
    binding.created_at, spoken.*
    """,
    f"""
    left join lateral (
      select count(*) as messages, max(received_at) as last_message_at from (
        select received_at from conversation join message on message.conversation_id = conversation.id
        where conversation.contact_id = binding.contact_id and conversation.user_id = binding.user_id
        order by conversation.id desc, message.seq desc limit {MOST_COUNTED}
      ) as newest
    ) as spoken on true
    """,  # noqa: S608 - constants
)

Id = Annotated[str, id_in_path("bd")]
OneUser = Annotated[str | None, Query(alias="user", pattern=id_pattern("us"), description="Only this user's.")]


class Binding(Resource):
    """
    A number that writes as a user.

    `number`: masked. `messages`: how many of its messages the agent was asked; 1,000 stands for that many or more.
    """

    tenant: str
    user: str
    channel: str
    number: str
    messages: int = Field(le=MOST_COUNTED)
    last_message_at: datetime | None
    created_at: datetime


class Unbinding(Body):
    """Why a pairing ends. `goodbye`: tell the person, where they wrote within the last 24 hours."""

    reason: Reason
    goodbye: bool = False


class Unbound(BaseModel):
    """What came of it. `goodbye`: whether the person will be told."""

    goodbye: bool


def bindings(ends: Bindings) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/bindings", tags=["bindings"], route_class=Route)

    @router.get("", **may("bindings:read"))
    async def list_bindings(
        who: Asking,
        page: Paged,
        *,
        created: Created,
        tenant: OneTenant = None,
        user: OneUser = None,
        channel: OneChannel = None,
    ) -> Listing[Binding]:
        theirs = await existing(ends.store, who, whose(who, tenant))
        within = {
            "tenant_id = %s": theirs,
            "user_id = %s": user,
            "channel = %s": channel,
            **created.within("created_at"),
        }
        async with ends.store.transaction(theirs) as connection:
            found = await BINDINGS.read(connection, within, {}, page.mark, page.limit + 1)
        rows, mark = found.page(page.limit, BINDINGS.order)
        return page.until([shown_binding(ends.vault, row) for row in rows], mark)

    @router.get("/{binding}", **may("bindings:read"))
    async def get_binding(who: Asking, binding: Id) -> Binding:
        tenant = await owner(ends.store, who, "binding", {"id = %s": binding})
        async with ends.store.connection(tenant) as connection:
            return shown_binding(ends.vault, await BINDINGS.one(connection, {"binding.id = %s": binding}))

    @router.delete("/{binding}", **may("bindings:write"))
    async def end_binding(who: Asking, binding: Id, wanted: Unbinding) -> Unbound:
        return Unbound(goodbye=await ends.unbind(who, binding, wanted.reason, goodbye=wanted.goodbye))

    return router


def shown_binding(vault: Vault, row: Mapping[str, Any]) -> Binding:
    """Return a pairing as it is shown."""
    opened = vault.open(row["sealed_address"], BINDING_ADDRESS.at(row["tenant"], row["id"])).decode()
    return Binding(**{name: value for name, value in row.items() if name != "sealed_address"}, number=masked(opened))
