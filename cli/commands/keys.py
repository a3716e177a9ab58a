"""`trunkline keys`."""

from typing import Annotated

import typer

from cli.commands.declaring import LISTING, Noun
from cli.commands.options import Tenant, Yes

noun = Noun("keys", "Keys of the API.")
_COLUMNS = {
    "id": "id",
    "name": "name",
    "tenant": "tenant",
    "scopes": "scopes",
    "last used": "last_used_at",
    "expires": "expires_at",
    "revoked": "revoked_at",
}


@noun.verb("list", "", LISTING)
def keys_list(tenant: Tenant = None) -> None:
    """List keys, the newest first; what they open doors with is not shown."""
    from cli import records

    records.show_list("api-keys", _COLUMNS, tenant=tenant)


@noun.verb("create", "reporting --scope messages:read --scope leads:read --expires 90d")
def keys_create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[list[str], typer.Option(help="What it may do; once for each scope.")],
    expires: Annotated[
        str | None, typer.Option(help="When it ends: 90d, or a time with its zone. Default: never.")
    ] = None,
    tenant: Tenant = None,
) -> None:
    """Make a key. It is shown this once."""
    from cli import keys

    keys.create(name, scope, expires, tenant)


@noun.verb("revoke", "ak_0192… --yes")
def keys_revoke(key: Annotated[str, typer.Argument(help="The id of a key.")], yes: Yes = False) -> None:
    """Let a key open nothing more."""
    from cli import keys

    keys.revoke(key, sure=yes)
