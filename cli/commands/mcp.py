"""`trunkline mcp`."""

from typing import Annotated

import typer

from cli.commands.declaring import LISTING, Noun
from cli.commands.options import Name, Tenant, Yes

noun = Noun("mcp", "MCP servers whose tools agents may use.")
_COLUMNS = {"id": "id", "name": "name", "url": "url", "tools": "tools", "enabled": "enabled", "tenant": "tenant"}

Id = Annotated[str, typer.Argument(help="The id of a server.")]
Tools = Annotated[
    list[str] | None, typer.Option("--tool", help="A tool that may be used; again for more. No other one is.")
]
Headers = Annotated[
    str | None,
    typer.Option(
        "--secrets-file",
        help="A JSON file of secret headers to send along; - reads it from standard input, on one line.",
    ),
]
Enabled = Annotated[bool | None, typer.Option("--enable/--disable", help="Whether its tools are offered.")]


@noun.verb("add", "https://tools.example.org/mcp --name crm --tool find_customer")
def mcp_add(
    url: Annotated[str, typer.Argument(help="The https address of its streamable HTTP endpoint.")],
    name: Annotated[str, typer.Option(help="What its tools' names begin with.")],
    tool: Tools = None,
    secrets_file: Headers = None,
    tenant: Tenant = None,
) -> None:
    """Make a server known."""
    from cli import catalogue, records

    headers = catalogue.secrets(secrets_file)
    records.make("mcp-servers", {"url": url, "name": name, "tools": tool, "secret_headers": headers, "tenant": tenant})


@noun.verb("list", "", LISTING)
def mcp_list(tenant: Tenant = None) -> None:
    """List servers, the newest first."""
    from cli import records

    records.show_list("mcp-servers", _COLUMNS, tenant=tenant)


@noun.verb("check", "mc_0192…")
def mcp_check(server: Id) -> None:
    """Ask a server for its tools, and tell which of them are offered to models, and why the others are not."""
    from cli import records
    from cli.api import ask
    from cli.outcome import Exit, fail, is_table, say, say_json

    found = ask("POST", f"mcp-servers/{server}/checks")
    if not is_table():
        say_json(found)
        return
    if not found["reached"]:
        fail(Exit.UNAVAILABLE, "The server does not answer as it should.")
    records.show_rows({"tool": "name", "offered as": "offered_as", "side effect": "side_effect"}, found["offered"])
    for tool in found["left_out"]:
        say(f"not {tool['name']}: {tool['reason']}")


@noun.verb("set", "mc_0192… --tool find_customer --tool find_order")
def mcp_set(  # noqa: PLR0917 - what can be set
    server: Id,
    name: Name = None,
    url: Annotated[str | None, typer.Option(help="The https address.")] = None,
    tool: Tools = None,
    enabled: Enabled = None,
    secrets_file: Headers = None,
) -> None:
    """Change a server; what is not named stays."""
    from cli import catalogue, records

    told = {"name": name, "url": url, "tools": tool, "enabled": enabled}
    secrets = {"secret_headers": catalogue.secrets(secrets_file)} if secrets_file else {}
    records.change(f"mcp-servers/{server}", {**told, **secrets}, read="mcp list")


@noun.verb("remove", "mc_0192… --yes")
def mcp_remove(server: Id, yes: Yes = False) -> None:
    """Forget a server."""
    from cli import records

    records.remove(f"mcp-servers/{server}", read="mcp list", sure=yes, what=f"server {server}")
