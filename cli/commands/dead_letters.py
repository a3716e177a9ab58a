"""`trunkline dead-letters` and `trunkline held-parts`."""

from typing import Annotated

import typer

from cli.commands.declaring import LISTING, Noun

noun = Noun("dead-letters", "Work that was given up.")
held = Noun("held-parts", "Parts of replies that wait.")
_COLUMNS = {"id": "id", "stage": "stage", "reason": "reason", "attempts": "attempts", "since": "created_at"}

Letter = Annotated[str, typer.Argument(help="The id of a dead letter.")]


@noun.verb("list", "--state replayed", LISTING)
def letters_list(state: Annotated[str, typer.Option(help="waiting, replayed or discarded.")] = "waiting") -> None:
    """List what was given up, the newest first."""
    from cli import records

    empty = "Nothing needs attention." if state == "waiting" else f"None is {state}."
    records.show_list("dead-letters", _COLUMNS, empty=empty, state=state)


@noun.verb("show", "dl_0192…")
def letters_show(letter: Letter) -> None:
    """Show one."""
    from cli import records

    records.show(f"dead-letters/{letter}")


@noun.verb("replay", "dl_0192…")
def letters_replay(letter: Letter) -> None:
    """Let the stage that failed try again. What was delivered is not sent again."""
    from cli import records

    records.make(f"dead-letters/{letter}/replays", {})


@noun.verb("discard", 'dl_0192… --reason "test"')
def letters_discard(letter: Letter, reason: Annotated[str, typer.Option(help="Why; it stays on record.")]) -> None:
    """Give one up for good."""
    from cli import records

    records.make(f"dead-letters/{letter}/discards", {"reason": reason})


@held.verb("list", "--state parked")
def held_list(
    state: Annotated[str | None, typer.Option(help="unknown (Twilio may have it) or parked (24 hours over).")] = None,
) -> None:
    """List parts that wait for a proof from Twilio, or for the person to write again."""
    from cli import held_parts

    held_parts.show_list(state)
