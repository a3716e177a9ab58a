"""`trunkline conversations`."""

from typing import Annotated

import typer

from cli.commands.declaring import LISTING, Noun
from cli.commands.options import Since, Tenant, Until

noun = Noun("conversations", "Exchanges with people.")
_COLUMNS = {
    "id": "id",
    "contact": "contact.handle",
    "name": "contact.name",
    "channel": "channel",
    "state": "state",
    "messages": "messages",
    "last message": "last_message_at",
}


@noun.verb("list", "--state open", LISTING)
def conversations_list(
    tenant: Tenant = None,
    state: Annotated[str | None, typer.Option(help="open or closed.")] = None,
    contact: Annotated[str | None, typer.Option(help="Only this person's: an id.")] = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """List conversations, the newest first."""
    from cli import records, times

    span = {"opened_at[gte]": times.moment(since, "--since"), "opened_at[lt]": times.moment(until, "--until")}
    wanted = {"tenant": tenant, "state": state, "contact": contact, **span}
    records.show_list("conversations", _COLUMNS, empty="No conversations yet.", **wanted)


@noun.verb("give-back", "cv_0192…")
def conversations_give_back(conversation: Annotated[str, typer.Argument(help="The id of a conversation.")]) -> None:
    """Let the agent answer again in one that was handed off to a person."""
    from cli import records

    records.show_record(records.send("DELETE", f"conversations/{conversation}/handoff"))


@noun.verb("show", "cv_0192…")
def conversations_show(conversation: Annotated[str, typer.Argument(help="The id of a conversation.")]) -> None:
    """Show one, and what was said in it where the company keeps a history."""
    from cli import conversations

    conversations.show(conversation)
