"""`trunkline lines`."""

from typing import Annotated

import typer

from cli.commands.declaring import LISTING, Noun
from cli.commands.options import Name, Tenant, Yes

noun = Noun("lines", "Numbers that are answered, and how they are set up at Twilio.")
_COLUMNS = {
    "id": "id",
    "number": "sender",
    "name": "name",
    "enabled": "enabled",
    "access": "access",
    "agent": "agent",
    "account": "account",
    "provisioned": "provisioned",
}

Id = Annotated[str, typer.Argument(help="The id of a line, such as ln_default.")]
Account = Annotated[str | None, typer.Option(help="The account that has the number.")]
Agent = Annotated[str | None, typer.Option(help="Who answers.")]
Enabled = Annotated[bool | None, typer.Option("--enable/--disable", help="Whether it is answered.")]
Access = Annotated[str | None, typer.Option(help="open: to everybody. paired: to people with a code.")]
LineKind = Annotated[str | None, typer.Option(help="dedicated, or shared by several tenants.")]
Service = Annotated[str | None, typer.Option("--messaging-service", help="Its Messaging Service: MG…, or none.")]
Quiet = Annotated[int | None, typer.Option("--quiet-ms", help="Milliseconds that a burst has to pause.")]
Long = Annotated[str | None, typer.Option("--long-replies", help="split or truncate.")]
Limit = Annotated[int | None, typer.Option("--reply-limit", help="Longest part of a reply, 100 to 1600.")]
Media = Annotated[
    bool | None, typer.Option("--media/--no-media", help="Whether pictures, voice messages and documents are taken.")
]
Auto = Annotated[
    bool | None,
    typer.Option("--auto-provision/--no-auto-provision", help="Whether the daily job sets it up at Twilio."),
]
Canary = Annotated[
    bool | None,
    typer.Option("--canary/--no-canary", help="Whether a canary watches it: see `trunkline jobs run canary`."),
]


@noun.verb("list", "", LISTING)
def lines_list(tenant: Tenant = None) -> None:
    """List lines, the newest first."""
    from cli import records

    records.show_list("lines", _COLUMNS, tenant=tenant)


@noun.verb("get", "ln_default")
def lines_get(line: Id) -> None:
    """Show one, with the addresses that Twilio has to call."""
    from cli import records

    records.show(f"lines/{line}")


@noun.verb("add", "+14155550100 --account cr_default --agent ag_default --enable")
def lines_add(
    sender: Annotated[str, typer.Argument(help="The WhatsApp number, such as +14155550100.")],
    *,
    account: Annotated[str, typer.Option(help="The account that has the number.")],
    agent: Annotated[str, typer.Option(help="Who answers.")],
    name: Name = None,
    enabled: Enabled = None,
    access: Access = None,
    kind: LineKind = None,
    messaging_service: Service = None,
    tenant: Tenant = None,
) -> None:
    """Make one. It is off until it is enabled."""
    from cli import records

    told = {"sender": sender, "account": account, "agent": agent, "name": name, "enabled": enabled, "access": access}
    more = {"kind": kind, "messaging_service_sid": messaging_service, "tenant": tenant}
    records.make("lines", told | more)


@noun.verb("set", "ln_default --access paired")
def lines_set(
    line: Id,
    *,
    name: Name = None,
    enabled: Enabled = None,
    access: Access = None,
    account: Account = None,
    agent: Agent = None,
    sender: Annotated[str | None, typer.Option(help="Another number.")] = None,
    kind: LineKind = None,
    messaging_service: Service = None,
    quiet_ms: Quiet = None,
    long_replies: Long = None,
    reply_limit: Limit = None,
    media: Media = None,
    auto_provision: Auto = None,
    canary: Canary = None,
) -> None:
    """Change one; what is not named stays. Every process knows within a second."""
    from cli import records

    told = {
        "name": name,
        "enabled": enabled,
        "access": access,
        "account": account,
        "agent": agent,
        "sender": sender,
        "kind": kind,
        "messaging_service_sid": messaging_service,
        "quiet_ms": quiet_ms,
        "long_replies": long_replies,
        "reply_limit": reply_limit,
        "media": media,
        "auto_provision": auto_provision,
        "canary": canary,
    }
    records.change(f"lines/{line}", told, read=f"lines get {line}")


@noun.verb("test", "ln_default")
def lines_test(line: Id) -> None:
    """Test its login at Twilio."""
    from cli import lines

    lines.test(line)


@noun.verb("check", "ln_default")
def lines_check(line: Id) -> None:
    """Look at all that is set up for it at Twilio, and call its webhook as Twilio would."""
    from cli import lines

    lines.check(line)


@noun.verb("provision", "ln_default")
def lines_provision(line: Id) -> None:
    """Let Twilio send its webhooks here. What was set before is kept for an undo."""
    from cli import lines

    lines.provision(line)


@noun.verb("undo", "ln_default --yes")
def lines_undo(line: Id, yes: Yes = False) -> None:
    """Set at Twilio what was set before the last provisioning."""
    from cli import lines

    lines.undo(line, sure=yes)
