"""`/v1/api-keys`: keys of this API. A key is shown once, when it is made."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator, AwareDatetime, Field

from services.console.access import SCOPES, Principal, digest, new_key
from services.console.api.fields import Body, Created, Name, OneTenant, TenantOfMade, id_in_path
from services.console.api.paging import Listing, Paged, Resource
from services.console.api.problems import Problem
from services.console.api.routes import Asking, Route, may
from services.console.records import Deed, Records, Table, Unknown, note
from shared.ids import TenantId
from shared.store.session import Store

API_KEYS = Table(
    "api_key",
    "ak",
    {
        "id": "id",
        "tenant": "tenant_id",
        "name": "name",
        "scopes": "scopes",
        "created_by": "created_by",
        "expires_at": "expires_at",
        "last_used_at": "last_used_at",
        "revoked_at": "revoked_at",
        "created_at": "created_at",
    },
)


def _known(scope: str) -> str:
    if scope not in SCOPES:
        raise ValueError("There is no such scope.")
    return scope


Id = Annotated[str, id_in_path("ak")]
Scope = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": sorted(SCOPES)})]
Scopes = Annotated[list[Scope], Field(min_length=1, max_length=len(SCOPES))]


class ApiKey(Resource):
    """A key. `tenant`: null for the platform's. `last_used_at`: to the minute."""

    tenant: str | None
    name: str
    scopes: list[str]
    created_by: str
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    created_at: datetime


class ApiKeyMade(ApiKey):
    """A fresh key. `token` is shown this once."""

    token: str


class NewApiKey(Body):
    """A key to be made. Without a tenant a platform key makes another platform key, a tenant's one of its own."""

    tenant: TenantOfMade = None
    name: Name
    scopes: Scopes
    expires_at: AwareDatetime | None = None


def api_keys(store: Store) -> APIRouter:
    """Return the routes."""
    records = Records(store, API_KEYS)
    router = APIRouter(prefix="/v1/api-keys", tags=["api-keys"], route_class=Route)

    @router.get("", **may("api-keys:read"))
    async def list_api_keys(who: Asking, page: Paged, created: Created, tenant: OneTenant = None) -> Listing[ApiKey]:
        found = await records.list(who, page.before, page.limit + 1, tenant=tenant, created_at=created)
        return page.of([ApiKey(**row) for row in found])

    @router.post("", status_code=201, **may("api-keys:write"))
    async def create_api_key(who: Asking, wanted: NewApiKey) -> ApiKeyMade:
        return await make(records, who, wanted)

    @router.get("/{api_key}", **may("api-keys:read"))
    async def get_api_key(who: Asking, api_key: Id) -> ApiKey:
        return ApiKey(**await records.get(who, api_key))

    @router.delete("/{api_key}", status_code=204, **may("api-keys:write"))
    async def revoke_api_key(who: Asking, api_key: Id) -> None:
        await revoke(store, who, api_key)

    return router


async def make(records: Records, who: Principal, wanted: NewApiKey) -> ApiKeyMade:
    """Make a key; its token is in the answer alone. Raises Unknown for another's tenant, `Problem` 403 for more than one has."""
    token = new_key()
    values = {**wanted.model_dump(exclude={"tenant"}), "scopes": _given(who, wanted.scopes), "created_by": who.id}
    made = await records.make(who, _whose(who, wanted.tenant), {**values, "digest": digest(token)})
    return ApiKeyMade(**made, token=token)


def _given(who: Principal, scopes: list[str]) -> list[str]:
    """Return the scopes of a new key. Raises `Problem` 403 for more than its maker has."""
    if beyond := sorted(scope for scope in scopes if not who.may(scope)):
        raise Problem(403, "scope_missing", f"This key cannot give what it lacks: {', '.join(beyond)}.")
    return sorted(set(scopes))


def _whose(who: Principal, tenant: str | None) -> TenantId | None:
    """Return whose a new key is: the platform's own only where the platform makes it. Raises Unknown."""
    if who.tenant is not None and tenant not in {None, who.tenant}:
        raise Unknown
    return who.tenant or (TenantId(tenant) if tenant else None)


async def revoke(store: Store, who: Principal, key: str) -> None:
    """Let a key open nothing more, from now on; it stays on the list. Raises Unknown."""
    async with store.transaction(who.sees) as connection:
        cursor = await connection.execute(
            """
            update api_key set revoked_at = coalesce(revoked_at, now()) where id = %s
            returning tenant_id, name, revoked_at = now() as first
            """,
            (key,),
        )
        row = await cursor.fetchone()
        if row is None:
            raise Unknown
        if row["first"]:
            await note(connection, who, Deed("api_key.revoked", key, row["tenant_id"], {"name": row["name"]}))
