"""`trunkline forms`."""

from typing import Annotated, Literal

import typer

from cli.commands.declaring import LISTING, Noun
from cli.commands.options import Since, Tenant, Until, Yes

noun = Noun("forms", "Contact forms that people left, and where they are sent.")
deliveries = noun.sub("deliveries", "Where a company's forms are sent: one place each.")
_FORMS = {
    "id": "id",
    "left": "created_at",
    "name": "form.name",
    "message": "form.message",
    "state": "state",
    "failure": "failure",
    "tenant": "tenant",
}
_DELIVERIES = {"id": "id", "kind": "kind", "to": "options", "enabled": "enabled", "tenant": "tenant"}

Id = Annotated[str, typer.Argument(help="The id of a place.")]


@noun.verb("list", "--state failed", LISTING)
def forms_list(
    tenant: Tenant = None,
    state: Annotated[str | None, typer.Option(help="kept, waiting, sending, sent or failed.")] = None,
    conversation: Annotated[str | None, typer.Option(help="Only this conversation's: an id.")] = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """List contact forms, the newest first."""
    from cli import records
    from cli.times import between

    when = between("created_at", since, until)
    records.show_list("contact-forms", _FORMS, tenant=tenant, state=state, conversation=conversation, **when)


@noun.verb("show", "form_0192…")
def forms_show(form: Annotated[str, typer.Argument(help="The id of a form.")]) -> None:
    """Print a form."""
    from cli import records

    records.show(f"contact-forms/{form}")


@deliveries.verb("list", "", LISTING)
def deliveries_list(tenant: Tenant = None) -> None:
    """List the places, the newest first."""
    from cli import records

    records.show_list("form-deliveries", _DELIVERIES, tenant=tenant)


@deliveries.verb("webhook", "https://crm.example.org/forms --secrets-file headers.json")
def deliveries_webhook(
    url: Annotated[str, typer.Argument(help="The https address that takes a POST of JSON.")],
    secrets_file: Annotated[
        str | None,
        typer.Option("--secrets-file", help="A JSON file of secret headers; - reads standard input, one line."),
    ] = None,
    tenant: Tenant = None,
) -> None:
    """Have forms posted to a webhook."""
    from cli import catalogue, records

    webhook = {"url": url, "secret_headers": catalogue.secrets(secrets_file)}
    records.make("form-deliveries", {"webhook": webhook, "tenant": tenant})


@deliveries.verb("email", "sales@example.org --host smtp.example.org --sender bot@example.org --username bot")
def deliveries_email(  # noqa: PLR0917 - what mail needs
    recipient: Annotated[str, typer.Argument(help="Who shall read them.")],
    host: Annotated[str, typer.Option(help="The server that takes mail.")],
    sender: Annotated[str, typer.Option(help="Whom the mail is from.")],
    port: Annotated[int, typer.Option(help="Its port.")] = 587,
    security: Annotated[Literal["starttls", "tls"], typer.Option(help="tls is for port 465.")] = "starttls",
    username: Annotated[str, typer.Option(help="The login. Default: none.")] = "",
    password_file: Annotated[
        str | None, typer.Option("--password-file", help="A file of the login's password; - reads standard input.")
    ] = None,
    tenant: Tenant = None,
) -> None:
    """Have forms mailed."""
    from cli import asking, records

    password = asking.secret(password_file, "The password", "--password-file") if username else None
    login = {"username": username, "password": password} if username else {}
    server = {"host": host, "port": port, "security": security, **login}
    email = {**server, "sender": sender, "recipient": recipient}
    records.make("form-deliveries", {"email": email, "tenant": tenant})


@deliveries.verb("set", "fd_0192… --enable")
def deliveries_set(
    delivery: Id, enabled: Annotated[bool, typer.Option("--enable/--disable", help="Whether forms are sent there.")]
) -> None:
    """Stop sending, or go on; forms that come meanwhile are kept."""
    from cli import records

    records.change(f"form-deliveries/{delivery}", {"enabled": enabled}, read="forms deliveries list")


@deliveries.verb("remove", "fd_0192… --yes")
def deliveries_remove(delivery: Id, yes: Yes = False) -> None:
    """Forget a place. What was sent there stays there."""
    from cli import records

    records.remove(f"form-deliveries/{delivery}", read="forms deliveries list", sure=yes, what=f"place {delivery}")
