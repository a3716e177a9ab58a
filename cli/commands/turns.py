"""`trunkline turns`."""

from typing import Annotated

import typer

from cli.commands.declaring import ASKING, LISTING, Noun
from cli.commands.options import Since, Tenant, Until

noun = Noun("turns", "What agents were asked and answered, and what they would answer now.")

Id = Annotated[str, typer.Argument(help="The id of a turn.")]
Conversation = Annotated[str | None, typer.Option(help="Only this conversation's.")]
Model = Annotated[str | None, typer.Option(help="Which model is asked. Default: the one that the agent has today.")]


@noun.verb("list", "--conversation cv_0192…", LISTING)
def turns_list(
    tenant: Tenant = None, conversation: Conversation = None, since: Since = None, until: Until = None
) -> None:
    """List turns, the newest first."""
    from cli import turns

    turns.show_list(tenant, conversation, since, until)


@noun.verb("show", "tu_0192…", ASKING)
def turns_show(turn: Id) -> None:
    """Show one: what was asked and answered, with which tools."""
    from cli import turns

    turns.show(turn)


@noun.verb("replay", "tu_0192… --model gpt-5-mini", ASKING)
def turns_replay(turn: Id, model: Model = None) -> None:
    """Run one again with the recorded results of its tools, and show the difference. Nothing is sent."""
    from cli import turns

    turns.replay(turn, model)
