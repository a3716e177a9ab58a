"""`trunkline bindings`."""

from typing import Annotated

import typer

from cli.commands.declaring import LISTING, Noun
from cli.commands.options import Tenant, Yes

noun = Noun("bindings", "Paired numbers.")
_COLUMNS = {
    "id": "id",
    "user": "user",
    "number": "number",
    "channel": "channel",
    "messages": "messages",
    "last message": "last_message_at",
}


@noun.verb("list", "", LISTING)
def bindings_list(
    tenant: Tenant = None, user: Annotated[str | None, typer.Option(help="Only this user's: an id.")] = None
) -> None:
    """List paired numbers, the newest first."""
    from cli import records

    empty = "Nobody has paired yet. A code: trunkline users pair-code"
    records.show_list("bindings", _COLUMNS, empty=empty, tenant=tenant, user=user)


@noun.verb("unbind", 'bd_0192… --reason "lost phone" --goodbye')
def bindings_unbind(
    binding: Annotated[str, typer.Argument(help="The id of a binding.")],
    reason: Annotated[str, typer.Option(help="Why; it stays on record.")],
    goodbye: Annotated[bool, typer.Option("--goodbye", help="Tell the person.")] = False,
    yes: Yes = False,
) -> None:
    """End a pairing."""
    from cli import people

    people.unbind(binding, reason, goodbye=goodbye, sure=yes)
