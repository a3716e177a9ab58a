"""Commands about users, through the console's API."""

from cli.api import ask, console, is_remote
from cli.choices import Output, chosen
from cli.outcome import CommandFailed, note, say, say_json


def pair_code(user: str | None) -> None:
    """Ask the console for a pairing code and print it."""
    answer = ask("POST", "pairing-codes", {"user": user})
    if chosen.output in {Output.JSON, Output.JSONL}:
        say_json(answer)
        return
    say(answer["code"])
    note(f"For {answer['user']}, until {answer['expires_at']}. Send it from the phone: /pair {answer['code']}")


def setup_token(user: str | None) -> None:
    """Ask the console for a setup token and print it."""
    answer = ask("POST", "setup-tokens", {"user": user})
    if chosen.output in {Output.JSON, Output.JSONL}:
        say_json(answer)
        return
    say(answer["token"])
    url, _ = console()
    note(f"For {answer['user']}, until {answer['expires_at']}. It goes into: {url}/first-run")


def first_run_address() -> str | None:
    """Return where the first account is set up, with its token behind the # that no server sees; None once there is one."""
    if is_remote():
        return None
    try:
        answer = ask("POST", "setup-tokens", {"first_run": True})
    except CommandFailed:
        return None
    url, _ = console()
    return f"{url}/first-run#{answer['token']}"
