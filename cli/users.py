"""Commands about users, through the console's API."""

from cli.api import ask
from cli.outcome import Output, note, say, say_json


def pair_code(user: str | None, output: Output | None) -> None:
    """Ask the console for a pairing code and print it."""
    answer = ask("POST", "pairing-codes", output, {"user": user})
    if output is Output.JSON:
        say_json(answer)
        return
    say(answer["code"])
    note(f"For {answer['user']}, until {answer['expires_at']}. Send it from the phone: /pair {answer['code']}")
