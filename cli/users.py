"""Commands about users, through the console's API."""

from cli.api import ask
from cli.choices import Output, chosen
from cli.outcome import note, say, say_json


def pair_code(user: str | None) -> None:
    """Ask the console for a pairing code and print it."""
    answer = ask("POST", "pairing-codes", {"user": user})
    if chosen.output in {Output.JSON, Output.JSONL}:
        say_json(answer)
        return
    say(answer["code"])
    note(f"For {answer['user']}, until {answer['expires_at']}. Send it from the phone: /pair {answer['code']}")
