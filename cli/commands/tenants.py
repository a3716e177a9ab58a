"""`trunkline tenants`."""

from typing import Annotated

import typer

from cli.commands.declaring import LISTING, Noun
from cli.commands.options import Name

noun = Noun("tenants", "Companies on the platform.")
_COLUMNS = {"id": "id", "name": "name", "privacy": "privacy", "history": "history", "days kept": "retention_days"}

Id = Annotated[str, typer.Argument(help="The id of a tenant.")]
Privacy = Annotated[
    str | None, typer.Option(help="hashed: no number is kept beyond its use. encrypted: they are kept.")
]
History = Annotated[bool | None, typer.Option("--history/--no-history", help="Whether texts may be read later.")]
Retention = Annotated[int | None, typer.Option("--retention-days", help="How long messages are kept.")]
Daily = Annotated[str | None, typer.Option("--daily-messages", help="Quota of incoming messages a day, or none.")]
DailyTokens = Annotated[
    str | None, typer.Option("--daily-tokens", help="Tokens that its agents may spend a day, or none.")
]
Agent = Annotated[str | None, typer.Option("--agent", help="Who answers its users on shared lines, or none.")]


@noun.verb("list", "", LISTING)
def tenants_list() -> None:
    """List companies, the newest first."""
    from cli import records

    records.show_list("tenants", _COLUMNS)


@noun.verb("get", "tn_default")
def tenants_get(tenant: Id) -> None:
    """Show one."""
    from cli import records

    records.show(f"tenants/{tenant}")


@noun.verb("create", '"Blue Hotel" --privacy encrypted')
def tenants_create(
    name: Annotated[str, typer.Argument(help="The company's name.")],
    *,
    privacy: Privacy = None,
    history: History = None,
    retention_days: Retention = None,
    daily_messages: Daily = None,
    daily_tokens: DailyTokens = None,
) -> None:
    """Make one."""
    from cli import records

    told = {
        "privacy": privacy,
        "history": history,
        "retention_days": retention_days,
        "daily_messages": daily_messages,
        "daily_tokens": daily_tokens,
    }
    records.make("tenants", {"name": name, **told})


@noun.verb("set", "tn_default --history --retention-days 30")
def tenants_set(
    tenant: Id,
    *,
    name: Name = None,
    agent: Agent = None,
    privacy: Privacy = None,
    history: History = None,
    retention_days: Retention = None,
    daily_messages: Daily = None,
    daily_tokens: DailyTokens = None,
) -> None:
    """Change one; what is not named stays."""
    from cli import records

    told = {
        "name": name,
        "agent": agent,
        "privacy": privacy,
        "history": history,
        "retention_days": retention_days,
        "daily_messages": daily_messages,
        "daily_tokens": daily_tokens,
    }
    records.change(f"tenants/{tenant}", told, read=f"tenants get {tenant}")
