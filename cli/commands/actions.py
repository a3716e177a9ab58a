"""`trunkline actions`."""

from typing import Annotated

import typer

from cli.commands.declaring import LISTING, Noun
from cli.commands.options import Tenant, Yes

noun = Noun("actions", "A company's own HTTP tools.")
_COLUMNS = {
    "id": "id",
    "name": "name",
    "method": "method",
    "url": "url",
    "side effect": "side_effect",
    "enabled": "enabled",
    "tenant": "tenant",
}

Id = Annotated[str, typer.Argument(help="The id of an action.")]
Headers = Annotated[
    str | None,
    typer.Option(
        "--secrets-file", help="A JSON file of secret headers to send along; - reads standard input, one line."
    ),
]


@noun.verb("add", "book-a-table.json --secrets-file -")
def actions_add(
    file: Annotated[
        str, typer.Argument(help="A JSON file: name, description, parameters, url and what else the API takes.")
    ],
    secrets_file: Headers = None,
    tenant: Tenant = None,
) -> None:
    """Define an action, which agents may use from then on."""
    from cli import actions

    actions.add(file, secrets_file, tenant)


@noun.verb("list", "", LISTING)
def actions_list(tenant: Tenant = None) -> None:
    """List actions, the newest first."""
    from cli import records

    records.show_list("actions", _COLUMNS, tenant=tenant)


@noun.verb("show", "ac_0192…")
def actions_show(action: Id) -> None:
    """Print an action as it is defined. Of its secret headers the names."""
    from cli import records

    records.show(f"actions/{action}")


@noun.verb("try", """ac_0192… '{"day": "Friday"}'""")
def actions_try(
    action: Id, arguments: Annotated[str, typer.Argument(help="What to call it with, as a JSON object.")] = "{}"
) -> None:
    """Call an action, side effect included, and print what a model would read. The status is 0 where it succeeds."""
    from cli import actions

    actions.try_out(action, arguments)


@noun.verb("set", "ac_0192… --file book-a-table.json")
def actions_set(
    action: Id,
    file: Annotated[str | None, typer.Option("--file", help="A JSON file of what shall be different.")] = None,
    enabled: Annotated[bool | None, typer.Option("--enable/--disable", help="Whether it is offered.")] = None,
    secrets_file: Headers = None,
) -> None:
    """Change an action; what is not named stays."""
    from cli import actions

    actions.change(action, file, secrets_file, enabled=enabled)


@noun.verb("remove", "ac_0192… --yes")
def actions_remove(action: Id, yes: Yes = False) -> None:
    """Forget an action."""
    from cli import records

    records.remove(f"actions/{action}", read="actions list", sure=yes, what=f"action {action}")
