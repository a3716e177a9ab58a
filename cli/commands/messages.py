"""`trunkline messages`."""

from typing import Annotated

import typer

from cli.commands.declaring import ASKING, LISTING, Noun
from cli.commands.options import Since, Tenant, Until

noun = Noun("messages", "What people wrote, and what they were sent.")

Status = Annotated[str | None, typer.Option(help="Only those of which this became, such as failed.")]
Direction = Annotated[str | None, typer.Option(help="inbound or outbound.")]
Sid = Annotated[str | None, typer.Option("--sid", help="Twilio's id of the message.")]
Number = Annotated[str | None, typer.Option(help="Only this person's: the whole number.")]


@noun.verb("list", "--since 1h --status failed", LISTING)
def messages_list(
    *,
    tenant: Tenant = None,
    direction: Direction = None,
    status: Status = None,
    sid: Sid = None,
    number: Number = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """List messages and parts of answers, the newest first."""
    from cli import messages

    wanted = {"tenant": tenant, "direction": direction, "status": status, "provider_sid": sid}
    messages.show_list(wanted, number=number, since=since, until=until)


@noun.verb("get", "msg_0192…")
def messages_get(message: Annotated[str, typer.Argument(help="The id of a message, or of a part.")]) -> None:
    """Show one, and what happened to it step by step."""
    from cli import messages

    messages.show(message)


@noun.verb("tail", "--tenant tn_default", ASKING)
def messages_tail(
    tenant: Tenant = None,
    number: Number = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many to begin with.")] = 10,
) -> None:
    """Print messages as they come, until interrupted."""
    from cli import messages

    messages.tail(tenant, number, lines)
