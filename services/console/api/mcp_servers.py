"""`/v1/mcp-servers`: servers whose tools a tenant's agents may use. Secret headers go in and never come out."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, SecretStr

from services.console.api.fields import Body, OneTenant, TenantOfMade, Version, id_in_path, omitted, shown, whose
from services.console.api.paging import Listing, Paged, Resource
from services.console.api.routes import Asking, Route, may
from services.console.kept_secrets import Secrets
from services.console.mcp import McpServers
from shared.mcp_servers import RemoteTool
from shared.mcp_servers.client import Unavailable

Id = Annotated[str, id_in_path("mc")]
ServerName = Annotated[
    str, Field(max_length=31, description="What its tools' names begin with: small letters, digits, _.")
]
Url = Annotated[str, Field(max_length=2000, description="https address of its streamable HTTP endpoint.")]
Tools = Annotated[
    list[Annotated[str, Field(max_length=128)]],
    Field(max_length=32, description="The only tools that may be used, by the server's names."),
]
HeaderName = Annotated[str, Field(min_length=1, max_length=100)]
SecretValue = Annotated[SecretStr, Field(min_length=1, max_length=2000)]


class McpServer(Resource):
    """A server. `tools`: the only ones that may be used. `secret_headers`: names of headers whose values are never shown."""

    tenant: str
    name: str
    url: str
    tools: list[str]
    secret_headers: list[str]
    enabled: bool
    created_at: datetime


class NewMcpServer(Body):
    """A server to be made known."""

    tenant: TenantOfMade = None
    name: ServerName
    url: Url
    tools: Tools = Field(default_factory=list)
    secret_headers: dict[HeaderName, SecretValue] = Field(default_factory=dict)
    enabled: bool = True


class McpServerChange(Body):
    """What shall be different; the rest stays. A secret header that is null goes; with another host all go."""

    name: ServerName = omitted()
    url: Url = omitted()
    tools: Tools = omitted()
    secret_headers: dict[HeaderName, SecretValue | None] = omitted()
    enabled: bool = omitted()


class OfferedTool(BaseModel):
    """A tool as models are offered it. `side_effect`: it is called once, whatever happens; so it is unless it only reads."""

    name: str
    offered_as: str
    description: str
    parameters: dict[str, Any]
    side_effect: bool


class LeftOutTool(BaseModel):
    """A tool that is not offered, and why."""

    name: str
    reason: str


class ServerCheck(BaseModel):
    """What a server has. `reached`: whether it answered as it should."""

    reached: bool
    offered: list[OfferedTool]
    left_out: list[LeftOutTool]


def mcp_servers(found: McpServers) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/mcp-servers", tags=["mcp servers"], route_class=Route)

    @router.get("", **may("mcp-servers:read"))
    async def list_mcp_servers(who: Asking, page: Paged, tenant: OneTenant = None) -> Listing[McpServer]:
        rows = await found.records.list(who, page.before, page.limit + 1, tenant=tenant)
        return page.of([McpServer(**row) for row in rows])

    @router.post("", status_code=201, **may("mcp-servers:write"))
    async def create_mcp_server(who: Asking, wanted: NewMcpServer, response: Response) -> McpServer:
        values = wanted.model_dump(exclude={"tenant", "secret_headers"})
        return shown(
            response,
            McpServer,
            await found.make(who, whose(who, wanted.tenant), values, _secrets(wanted.secret_headers)),
        )

    @router.get("/{server}", **may("mcp-servers:read"))
    async def get_mcp_server(who: Asking, server: Id, response: Response) -> McpServer:
        return shown(response, McpServer, await found.records.get(who, server))

    @router.patch("/{server}", **may("mcp-servers:write"))
    async def change_mcp_server(
        who: Asking, server: Id, version: Version, wanted: McpServerChange, response: Response
    ) -> McpServer:
        values = wanted.model_dump(exclude_unset=True, exclude={"secret_headers"})
        changed = await found.change(who, server, version, values, _secrets(wanted.secret_headers or {}))
        return shown(response, McpServer, changed)

    @router.delete("/{server}", status_code=204, **may("mcp-servers:write"))
    async def delete_mcp_server(who: Asking, server: Id, version: Version) -> None:
        await found.records.remove(who, server, version)

    @router.post("/{server}/checks", status_code=201, **may("mcp-servers:write"))
    async def check_mcp_server(who: Asking, server: Id) -> ServerCheck:
        try:
            listed = await found.check(who, server)
        except Unavailable:
            return ServerCheck(reached=False, offered=[], left_out=[])
        left_out = [LeftOutTool(**vars(it)) for it in listed.left_out]
        return ServerCheck(reached=True, offered=[_offered(tool) for tool in listed.tools], left_out=left_out)

    return router


def _offered(tool: RemoteTool) -> OfferedTool:
    return OfferedTool(
        name=tool.name,
        offered_as=tool.offered,
        description=tool.description,
        parameters=tool.parameters.schema,
        side_effect=tool.side_effect,
    )


def _secrets(given: dict[str, SecretStr] | dict[str, SecretStr | None]) -> Secrets:
    return {name: value.get_secret_value().strip() if value is not None else None for name, value in given.items()}
