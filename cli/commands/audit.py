"""`trunkline audit`."""

from typing import Annotated

import typer

from cli.commands.declaring import LISTING, Noun
from cli.commands.options import Since, Tenant, Until

noun = Noun("audit", "Who did what.")
_COLUMNS = {"time": "created_at", "actor": "actor", "action": "action", "object": "object", "after": "after"}


@noun.verb("list", "--object ln_default", LISTING)
def audit_list(
    *,
    tenant: Tenant = None,
    actor: Annotated[str | None, typer.Option(help="Only what they did, such as key/ak_0192….")] = None,
    action: Annotated[str | None, typer.Option(help="Only deeds of this kind, such as line.changed.")] = None,
    about: Annotated[str | None, typer.Option("--object", help="Only what was done to it: an id.")] = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """List what was done, the newest first."""
    from cli import records, times

    span = {"created_at[gte]": times.moment(since, "--since"), "created_at[lt]": times.moment(until, "--until")}
    wanted = {"tenant": tenant, "actor": actor, "action": action, "object": about, **span}
    records.show_list("audit", _COLUMNS, empty="Nothing matches.", **wanted)
