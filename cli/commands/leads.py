"""`trunkline leads`."""

from typing import Annotated

import typer

from cli.commands.declaring import LISTING, Noun
from cli.commands.options import Since, Tenant, Until

noun = Noun("leads", "People who wrote to an open line.")


@noun.verb("list", "--csv > leads.csv", LISTING)
def leads_list(
    tenant: Tenant = None,
    agent: Annotated[str | None, typer.Option(help="Only this agent's: an id.")] = None,
    since: Since = None,
    until: Until = None,
    csv: Annotated[bool, typer.Option("--csv", help="All of them, as a table for a spreadsheet.")] = False,
) -> None:
    """List leads, the newest first."""
    from cli import people

    people.show_leads({"tenant": tenant, "agent": agent}, since=since, until=until, csv=csv)
