"""`/v1/lines`: our addresses and their settings."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from psycopg.rows import DictRow
from pydantic import AfterValidator, Field, StringConstraints

from services.console.api.fields import (
    Body,
    Name,
    OneTenant,
    TenantOfMade,
    Version,
    id_in_path,
    id_pattern,
    omitted,
    whose,
)
from services.console.api.paging import Listing, Paged, Resource
from services.console.api.problems import Problem
from services.console.api.routes import Asking, Route, may
from services.console.lines import Lines
from shared.addresses import PERSON, whatsapp
from shared.channels.line_setup import Provisioned

PLATFORMS = frozenset({"sender", "account", "kind", "enabled", "access", "auto_provision", "canary"})
"""What only the platform's admin sets (spec.md, section 5)."""


def _sender(raw: str) -> str:
    address = whatsapp(raw)
    if not PERSON.fullmatch(address) or "+" not in address:
        raise ValueError("not a WhatsApp number such as +14155238886")
    return address


Id = Annotated[str, id_in_path("ln")]
AccountId = Annotated[str, Field(pattern=id_pattern("cr"))]
AgentId = Annotated[str, Field(pattern=id_pattern("ag"))]
Sender = Annotated[str, StringConstraints(max_length=64), AfterValidator(_sender)]
Service = Annotated[str, Field(pattern=r"^MG[0-9a-fA-F]{32}$")]
Quiet = Annotated[int, Field(ge=0, le=10_000, description="Milliseconds that a burst has to pause; 0: at once.")]
Limit = Annotated[int, Field(ge=100, le=1600, description="UTF-16 units of a part.")]
Kind = Literal["dedicated", "shared"]
Access = Literal["open", "paired"]
Long = Literal["split", "truncate"]
Stage = Literal["accept", "route", "turn", "send", "report"]


class Line(Resource):
    """
    An address that is answered.

    `webhook_url`, `fallback_url`, `status_callback_url`: what the provider has to call; the part behind `#` lets Twilio repeat
    what failed. `provisioned`: how setting them there ended last, and when. `canary`: whether one watches it;
    `canary_answered_at`: when it was answered last; `canary_stuck_at`: the stage where it last was not.
    """

    tenant: str
    account: str
    agent: str
    channel: str
    provider: str
    sender: str
    name: str
    kind: Kind
    enabled: bool
    access: Access
    messaging_service_sid: str | None
    quiet_ms: int
    long_replies: Long
    reply_limit: int
    media: bool
    auto_provision: bool
    canary: bool
    canary_answered_at: datetime | None
    canary_stuck_at: Stage | None
    webhook_url: str | None
    fallback_url: str | None
    status_callback_url: str | None
    provisioned: Provisioned | None
    provisioned_at: datetime | None
    created_at: datetime


class NewLine(Body):
    """A line to be made. It is off until the platform's admin enables it."""

    tenant: TenantOfMade = None
    account: AccountId
    agent: AgentId
    sender: Sender
    name: Name = "WhatsApp"
    kind: Kind = "dedicated"
    enabled: bool = False
    access: Access = "open"
    messaging_service_sid: Service | None = None
    quiet_ms: Quiet = 0
    long_replies: Long = "split"
    reply_limit: Limit = 1500
    media: bool = False
    auto_provision: bool = True
    canary: bool = False


class LineChange(Body):
    """What shall be different; the rest stays."""

    account: AccountId = omitted()
    agent: AgentId = omitted()
    sender: Sender = omitted()
    name: Name = omitted()
    kind: Kind = omitted()
    enabled: bool = omitted()
    access: Access = omitted()
    messaging_service_sid: Service | None = omitted()
    quiet_ms: Quiet = omitted()
    long_replies: Long = omitted()
    reply_limit: Limit = omitted()
    media: bool = omitted()
    auto_provision: bool = omitted()
    canary: bool = omitted()


def lines(found: Lines) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1", tags=["lines"], route_class=Route)

    def tagged(response: Response, row: DictRow) -> Line:
        response.headers["ETag"] = f'"{row["version"]}"'
        return line_of(row)

    def line_of(row: DictRow) -> Line:
        hooks = found.webhooks(row)
        urls = {
            "webhook_url": hooks.callback_url,
            "fallback_url": hooks.fallback_url,
            "status_callback_url": hooks.status_callback_url,
        }
        return Line(**{**row, **urls, "provisioned": row["provisioned"].get("outcome")})

    @router.get("/lines", **may("lines:read"))
    async def list_lines(who: Asking, page: Paged, tenant: OneTenant = None) -> Listing[Line]:
        rows = await found.records.list(who, page.before, page.limit + 1, tenant=tenant)
        return page.of([line_of(row) for row in rows])

    @router.post("/lines", status_code=201, **may("lines:write"))
    async def create_line(who: Asking, wanted: NewLine, response: Response) -> Line:
        if not who.is_platform and (
            wanted.enabled or wanted.kind == "shared" or wanted.access != "open" or wanted.canary
        ):
            raise _set_by_platform(["enabled", "kind", "access", "canary"])
        channel = {"channel": "whatsapp", "provider": "twilio"}
        values = wanted.model_dump(exclude={"tenant"}) | channel
        return tagged(response, await found.make(who, whose(who, wanted.tenant), values))

    @router.get("/lines/{line}", **may("lines:read"))
    async def get_line(who: Asking, line: Id, response: Response) -> Line:
        return tagged(response, await found.records.get(who, line))

    @router.patch("/lines/{line}", **may("lines:write"))
    async def change_line(who: Asking, line: Id, version: Version, wanted: LineChange, response: Response) -> Line:
        values = wanted.model_dump(exclude_unset=True)
        if not who.is_platform and (beyond := values.keys() & PLATFORMS):
            raise _set_by_platform(sorted(beyond))
        return tagged(response, await found.change(who, line, version, values))

    @router.delete("/lines/{line}", status_code=204, **may("lines:write", platform=True))
    async def delete_line(who: Asking, line: Id, version: Version) -> None:
        await found.remove(who, line, version)

    return router


def _set_by_platform(names: list[str]) -> Problem:
    return Problem(403, "set_by_platform", f"Set by the platform's admin: {', '.join(names)}.")
