"""`trunkline accounts`."""

from typing import Annotated

import typer

from cli.commands.declaring import LISTING, Noun
from cli.commands.options import Tenant, TokenFile, Yes

noun = Noun("accounts", "Accounts at Twilio, and the secrets that sign their webhooks.")
secrets = noun.sub("secrets", "What else may sign an account's webhooks, beside its auth token.")
_COLUMNS = {"id": "id", "account": "account_sid", "name": "name", "tenant": "tenant", "token set": "token_set_at"}
_SECRETS = {"id": "id", "kind": "kind", "key": "key_id", "fingerprint": "fingerprint", "until": "not_after"}

Id = Annotated[str, typer.Argument(help="The id of an account, such as cr_default.")]


@noun.verb("list", "", LISTING)
def accounts_list(tenant: Tenant = None) -> None:
    """List accounts, the newest first. Secrets are never shown; a fingerprint tells them apart."""
    from cli import records

    records.show_list("accounts", _COLUMNS, tenant=tenant)


@noun.verb("get", "cr_default")
def accounts_get(account: Id) -> None:
    """Show one."""
    from cli import records

    records.show(f"accounts/{account}")


@noun.verb("add", "AC0123… --name Production --token-file token.txt")
def accounts_add(
    account_sid: Annotated[str, typer.Argument(help="Its SID at Twilio: AC and 32 hexadecimal digits.")],
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    token_file: TokenFile = None,
    tenant: Tenant = None,
) -> None:
    """Take an account in. Its auth token is asked for, or read from a file."""
    from cli import accounts

    accounts.add(account_sid, name, token_file, tenant)


@noun.verb("rotate", "cr_default --token-file new-token.txt")
def accounts_rotate(
    account: Id,
    token_file: TokenFile = None,
    keep_old_for: Annotated[
        int | None, typer.Option(min=0, help="Seconds for which the token before still signs. Default: an hour.")
    ] = None,
) -> None:
    """
    Use a new auth token from now on.

    Without a gap: make the secondary token at Twilio, `accounts secrets add` it here, promote it there, rotate to it here, and
    remove what is left over after an hour.
    """
    from cli import accounts

    accounts.rotate(account, token_file, keep_old_for)


@secrets.verb("list", "cr_default", LISTING)
def secrets_list(account: Id) -> None:
    """List what else may sign."""
    from cli import records

    records.show_list(f"accounts/{account}/signing-secrets", _SECRETS, empty="Its auth token alone.")


@secrets.verb("add", "cr_default --token-file secondary-token.txt")
def secrets_add(
    account: Id,
    token_file: TokenFile = None,
    shared_key: Annotated[str | None, typer.Option(help="The id of a shared key, whose secret this is.")] = None,
    until: Annotated[str | None, typer.Option(help="When it ends: 2h, 7d, or a time with its zone.")] = None,
) -> None:
    """Let a further secret sign from now on: a token that is about to be promoted, or a shared key's."""
    from cli import accounts

    accounts.add_secret(account, token_file, shared_key, until)


@secrets.verb("remove", "cr_default ss_0192… --yes")
def secrets_remove(
    account: Id, secret: Annotated[str, typer.Argument(help="The id of the secret.")], yes: Yes = False
) -> None:
    """Let a secret sign no more."""
    from cli import accounts

    accounts.remove_secret(account, secret, sure=yes)
