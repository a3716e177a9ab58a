"""`trunkline users`."""

from typing import Annotated

import typer

from cli.commands.declaring import LISTING, Noun
from cli.commands.options import Name, Tenant

noun = Noun("users", "People with an account.")
_COLUMNS = {"id": "id", "e-mail": "email", "name": "name", "role": "role", "disabled": "disabled", "tenant": "tenant"}

Role = Annotated[str | None, typer.Option(help="USER, COMPANY_ADMIN or SYSTEM_ADMIN.")]


@noun.verb("list", "--role COMPANY_ADMIN", LISTING)
def users_list(tenant: Tenant = None, role: Role = None) -> None:
    """List users, the newest first."""
    from cli import records

    records.show_list("users", _COLUMNS, tenant=tenant, role=role)


@noun.verb("create", "anna@example.com --name Anna --role COMPANY_ADMIN")
def users_create(
    email: Annotated[str, typer.Argument(help="Their e-mail address.")],
    name: Annotated[str, typer.Option(help="Their name.")],
    role: Role = None,
    tenant: Tenant = None,
) -> None:
    """Add one."""
    from cli import records

    records.make("users", {"email": email, "name": name, "role": role, "tenant": tenant})


@noun.verb("set", "us_default --disable")
def users_set(
    user: Annotated[str, typer.Argument(help="The id of a user.")],
    name: Name = None,
    role: Role = None,
    disabled: Annotated[
        bool | None, typer.Option("--disable/--enable", help="Shut them out, which also unpairs their numbers.")
    ] = None,
) -> None:
    """Change one; what is not named stays."""
    from cli import records

    told = {"name": name, "role": role, "disabled": disabled}
    records.change(f"users/{user}", told, read="users list")


@noun.verb("setup-token", "--user anna@example.com")
def setup_token(
    user: Annotated[str | None, typer.Option(help="E-mail address. Default: the first admin of the platform.")] = None,
) -> None:
    """Make a token with which somebody chooses the password of their console account, once."""
    from cli import users as people

    people.setup_token(user)


@noun.verb("pair-code", "--user admin@example.com")
def pair_code(
    user: Annotated[str | None, typer.Option(help="E-mail address. Default: the first user.")] = None,
) -> None:
    """Make a code that pairs a phone with a user: the phone sends /pair CODE."""
    from cli import users as people

    people.pair_code(user)
