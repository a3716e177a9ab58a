"""`/v1/actions`: HTTP tools that a tenant defines for its agents. Secret headers go in and never come out."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import Field, SecretStr, StringConstraints

from services.console.actions import Actions
from services.console.api.fields import (
    Body,
    OneTenant,
    TenantOfMade,
    Version,
    id_in_path,
    omitted,
    shown,
    whose,
)
from services.console.api.paging import Listing, Paged, Resource
from services.console.api.problems import Faults
from services.console.api.routes import Asking, Route, may
from services.console.kept_secrets import Secrets
from shared.actions import Misfit, Unfit

FAULTS: Faults = {
    Unfit: (422, "definition_unfit", None),
    Misfit: (422, "arguments_unfit", "The arguments do not fit what the action takes."),
}

Id = Annotated[str, id_in_path("ac")]
ToolName = Annotated[str, Field(max_length=63, description="As models call it: small letters, digits and _.")]
Description = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00]*$")]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Url = Annotated[
    str,
    Field(
        max_length=2000,
        description="https address. Arguments, as {name}, and {sys.contact}, {sys.tenant}, {sys.user} may stand in path and query.",
    ),
]
HeaderName = Annotated[str, Field(min_length=1, max_length=100)]
HeaderValue = Annotated[str, Field(max_length=2000)]
SecretValue = Annotated[SecretStr, Field(min_length=1, max_length=2000)]
Paths = Annotated[
    list[Annotated[str, Field(max_length=500)]],
    Field(max_length=50, description="What models read of an answer, such as order.lines.*.name; none: all of it."),
]
Schema = Annotated[
    dict[str, Any], Field(description="JSON schema of an object; it takes nothing that is not declared.")
]


class Action(Resource):
    """
    A tool of a tenant's own.

    `secret_headers`: the names of headers whose values are never shown. `side_effect`: it happens once for each call, under
    an Idempotency-Key. `idempotent`: the service knows a repeated key, so that a call that broke off may be repeated.
    """

    tenant: str
    name: str
    description: str
    parameters: dict[str, Any]
    method: Method
    url: str
    headers: dict[str, str]
    secret_headers: list[str]
    results: list[str]
    side_effect: bool
    idempotent: bool
    enabled: bool
    created_at: datetime


class NewAction(Body):
    """An action to be made."""

    tenant: TenantOfMade = None
    name: ToolName
    description: Description
    parameters: Schema
    method: Method = "POST"
    url: Url
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    secret_headers: dict[HeaderName, SecretValue] = Field(default_factory=dict)
    results: Paths = Field(default_factory=list)
    side_effect: bool = False
    idempotent: bool = False
    enabled: bool = True


class ActionChange(Body):
    """What shall be different; the rest stays. A secret header that is null goes."""

    name: ToolName = omitted()
    description: Description = omitted()
    parameters: Schema = omitted()
    method: Method = omitted()
    url: Url = omitted()
    headers: dict[HeaderName, HeaderValue] = omitted()
    secret_headers: dict[HeaderName, SecretValue | None] = omitted()
    results: Paths = omitted()
    side_effect: bool = omitted()
    idempotent: bool = omitted()
    enabled: bool = omitted()


class NewTrial(Body):
    """What an action shall be tried with."""

    arguments: dict[str, Any] = Field(default_factory=dict)


class Trial(Body):
    """What came of it. `status`: null where there was no answer; `failure` says why. `text`: what a model would read."""

    ok: bool
    status: int | None
    failure: str | None
    text: str


def actions(found: Actions) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/actions", tags=["actions"], route_class=Route)

    @router.get("", **may("actions:read"))
    async def list_actions(who: Asking, page: Paged, tenant: OneTenant = None) -> Listing[Action]:
        rows = await found.records.list(who, page.before, page.limit + 1, tenant=tenant)
        return page.of([Action(**row) for row in rows])

    @router.post("", status_code=201, **may("actions:write"))
    async def create_action(who: Asking, wanted: NewAction, response: Response) -> Action:
        values = wanted.model_dump(exclude={"tenant", "secret_headers"})
        made = await found.make(who, whose(who, wanted.tenant), values, _secrets(wanted))
        return shown(response, Action, made)

    @router.get("/{action}", **may("actions:read"))
    async def get_action(who: Asking, action: Id, response: Response) -> Action:
        return shown(response, Action, await found.records.get(who, action))

    @router.patch("/{action}", **may("actions:write"))
    async def change_action(
        who: Asking, action: Id, version: Version, wanted: ActionChange, response: Response
    ) -> Action:
        values = wanted.model_dump(exclude_unset=True, exclude={"secret_headers"})
        return shown(response, Action, await found.change(who, action, version, values, _secrets(wanted)))

    @router.delete("/{action}", status_code=204, **may("actions:write"))
    async def delete_action(who: Asking, action: Id, version: Version) -> None:
        await found.records.remove(who, action, version)

    @router.post("/{action}/trials", status_code=201, **may("actions:write"))
    async def try_action(who: Asking, action: Id, wanted: NewTrial) -> Trial:
        outcome = await found.try_out(who, action, wanted.arguments)
        failure = outcome.failure.code if outcome.failure else None
        return Trial(ok=outcome.ok, status=outcome.status, failure=failure, text=outcome.text)

    return router


def _secrets(wanted: NewAction | ActionChange) -> Secrets:
    """Return the secrets that came, in clear, trimmed: they are pasted."""
    return {
        name: value.get_secret_value().strip() if value is not None else None
        for name, value in (wanted.secret_headers or {}).items()
    }
