"""`/v1/users`: the members of a company, and whether they may still come in."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from psycopg import sql
from psycopg.rows import DictRow
from pydantic import AfterValidator

from services.console.access import Principal
from services.console.api.fields import (
    Body,
    Created,
    Email,
    Name,
    OneTenant,
    TenantOfMade,
    Version,
    id_in_path,
    omitted,
    shown,
    whose,
)
from services.console.api.paging import Listing, Paged, Resource
from services.console.api.problems import Problem
from services.console.api.routes import Asking, Route, may
from services.console.bindings import end_bindings
from services.console.records import Also, Records, Table
from services.console.sessions import end_all
from shared.store.session import Connection, Store

USERS = Table(
    "app_user",
    "us",
    {
        "id": "id",
        "tenant": "tenant_id",
        "email": "email",
        "name": "name",
        "role": "role",
        "disabled": "disabled_at is not null",
        "disabled_at": "disabled_at",
        "version": "version",
        "created_at": "created_at",
    },
)

_PLATFORMS_OWN = "SYSTEM_ADMIN"

Id = Annotated[str, id_in_path("us")]
Role = Literal["SYSTEM_ADMIN", "COMPANY_ADMIN", "USER"]
OneRole = Annotated[Role | None, Query(description="Only users of this role.")]
Disabled = Annotated[bool | None, Query(description="Only users who are, or are not, shut out.")]
Address = Annotated[Email, AfterValidator(str.lower)]


class User(Resource):
    """A member of a company. `disabled`: shut out; who is has no paired number."""

    tenant: str
    email: str
    name: str
    role: Role
    disabled: bool
    disabled_at: datetime | None
    created_at: datetime


class NewUser(Body):
    """A member to be added. Only the platform adds a SYSTEM_ADMIN."""

    tenant: TenantOfMade = None
    email: Address
    name: Name
    role: Role = "USER"


class UserChange(Body):
    """What shall be different; the rest stays. To disable a user unpairs their numbers."""

    name: Name = omitted()
    role: Role = omitted()
    disabled: bool = omitted()


def users(store: Store) -> APIRouter:
    """Return the routes."""
    records = Records(store, USERS)
    router = APIRouter(prefix="/v1/users", tags=["users"], route_class=Route)

    @router.get("", **may("users:read"))
    async def list_users(
        who: Asking,
        page: Paged,
        *,
        created: Created,
        tenant: OneTenant = None,
        role: OneRole = None,
        disabled: Disabled = None,
    ) -> Listing[User]:
        wanted = {"tenant": tenant, "role": role, "disabled": disabled, "created_at": created}
        return page.of([User(**row) for row in await records.list(who, page.before, page.limit + 1, **wanted)])

    @router.post("", status_code=201, **may("users:write"))
    async def create_user(who: Asking, wanted: NewUser, response: Response) -> User:
        check_role(who, wanted.role)
        values = wanted.model_dump(exclude={"tenant"})
        return shown(response, User, await records.make(who, whose(who, wanted.tenant), values))

    @router.get("/{user}", **may("users:read"))
    async def get_user(who: Asking, user: Id, response: Response) -> User:
        return shown(response, User, await records.get(who, user))

    @router.patch("/{user}", **may("users:write"))
    async def change_user(who: Asking, user: Id, version: Version, wanted: UserChange, response: Response) -> User:
        check_role(who, (await records.get(who, user))["role"], wanted.role)
        values = wanted.model_dump(exclude_unset=True)
        also = unpaired(who) if values.get("disabled") else None
        return shown(response, User, await records.change(who, user, version, written(values), also))

    @router.delete("/{user}", status_code=204, **may("users:write"))
    async def delete_user(who: Asking, user: Id, version: Version) -> None:
        check_role(who, (await records.get(who, user))["role"])
        await records.remove(who, user, version)

    return router


def check_role(who: Principal, *roles: Role | None) -> None:
    """Let nobody but the platform make, change or remove those who administer it."""
    if not who.is_platform and _PLATFORMS_OWN in roles:
        raise Problem(403, "set_by_platform", "Only the platform's admin adds, changes or removes a SYSTEM_ADMIN.")


def written(values: dict[str, Any]) -> dict[str, Any]:
    """Return the columns to write: who is disabled twice stays so since the first time."""
    disabled = values.pop("disabled", None)
    if disabled is not None:
        values["disabled_at"] = sql.SQL("coalesce(disabled_at, now())") if disabled else None
    return values


def unpaired(who: Principal) -> Also:
    """Return what else happens to somebody who is shut out: their numbers and sessions end."""

    async def unpair(connection: Connection, user: DictRow) -> None:
        await end_bindings(connection, who, "user_id", user["id"], "user disabled")
        await end_all(connection, user["id"])

    return unpair
