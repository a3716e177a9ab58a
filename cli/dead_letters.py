"""Commands about work that was given up, and about what waits, through the console's API."""

from typing import Any

from cli.api import ask
from cli.outcome import Output, form, note, say, say_json, say_table

_MOST = 200


def show_list(state: str, output: Output | None) -> None:
    """Print the letters of a state, the newest first."""
    answer = ask("GET", "dead-letters", output, state=state, limit=_MOST)
    if form(output) is Output.JSON:
        say_json(answer)
        return
    if not answer["items"]:
        note("Nothing needs attention." if state == "waiting" else f"None is {state}.")
        return
    rows = [
        (it["id"], it["stage"], it["reason"], str(it["attempts"]), _time(it["created_at"])) for it in answer["items"]
    ]
    say_table(("ID", "STAGE", "REASON", "ATTEMPTS", "SINCE"), rows)


def show(letter: str, output: Output | None) -> None:
    """Print one letter."""
    _print(ask("GET", f"dead-letters/{letter}", output), output)


def replay(letter: str, output: Output | None) -> None:
    """Let its stage try again."""
    _print(ask("POST", f"dead-letters/{letter}/replays", output), output)


def discard(letter: str, reason: str, output: Output | None) -> None:
    """Give it up for good."""
    _print(ask("POST", f"dead-letters/{letter}/discards", output, {"reason": reason}), output)


def show_held(state: str | None, output: Output | None) -> None:
    """Print the parts that wait for Twilio's evidence or for the person's next message."""
    answer = ask("GET", "held-parts", output, state=state, limit=_MOST)
    if form(output) is Output.JSON:
        say_json(answer)
        return
    if not answer["items"]:
        note("No part is held.")
        return
    rows = [
        (str(it["id"]), it["state"], it["thread"], f"{it['reply']}/{it['ordinal']}", _time(it["next_look_at"]))
        for it in answer["items"]
    ]
    say_table(("PART", "STATE", "THREAD", "REPLY/PART", "NEXT LOOK"), rows)


def _print(letter: dict[str, Any], output: Output | None) -> None:
    if form(output) is Output.JSON:
        say_json(letter)
        return
    for name, value in letter.items():
        if value is not None:
            say(f"{name:<13} {value}")


def _time(moment: str | None) -> str:
    return moment[:19].replace("T", " ") if moment else "-"
