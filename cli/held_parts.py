"""The list of parts that wait: it has no pages."""

from cli.api import ask
from cli.outcome import is_table, note, say_json, say_table
from cli.records import cell

_MOST = 200


def show_list(state: str | None) -> None:
    """Print the parts that wait for Twilio's evidence or for the person's next message, the oldest first."""
    answer = ask("GET", "held-parts", state=state, limit=_MOST)
    if not is_table():
        say_json(answer)
    elif not answer["items"]:
        note("No part is held.")
    else:
        rows = [
            (str(it["id"]), it["state"], it["thread"], f"{it['reply']}/{it['ordinal']}", cell(it["next_look_at"]))
            for it in answer["items"]
        ]
        say_table(("PART", "STATE", "THREAD", "REPLY/PART", "NEXT LOOK"), rows)
