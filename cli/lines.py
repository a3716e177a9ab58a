"""Commands about what is set up for a line at Twilio."""

from typing import Any

from cli.api import ask
from cli.asking import confirm
from cli.findings import Finding, finish, of_line
from cli.outcome import Exit, fail, is_table, note, say, say_json

_SETTLED = frozenset({"unchanged", "changed"})
_TOLD = {
    "unchanged": "Everything was as it should be.",
    "changed": "Twilio sends this line's webhooks here now.",
    "pending": "Twilio accepted the change, and it has not settled yet. Look again: trunkline lines check {line}",
    "not_found": "The account has no such number. Check the number and the account.",
    "refused": "Twilio refused the change{code}.",
    "invalid_credentials": "Twilio does not accept the account's credentials. Store them: trunkline accounts rotate",
    "unreachable": "Twilio could not be reached. Try again.",
    "rate_limited": "Twilio refuses more requests for the moment. Try again in 30 seconds.",
}
_SECONDS = 60.0


def test(line: str) -> None:
    """Test a line's login."""
    told = ask("POST", f"lines/{line}/connection-tests", seconds=_SECONDS)
    if is_table():
        say(told["text"])
    else:
        say_json(told)
    if told["outcome"] != "ok":
        fail(Exit.FAILURE, "The test did not succeed.")


def check(line: str) -> None:
    """Look at a line's set-up and its webhook."""
    finish(look_at(line))


def look_at(line: str) -> list[Finding]:
    """Return what is found about a line at Twilio, and at its public address."""
    looked = [ask("POST", f"lines/{line}/{what}", seconds=_SECONDS) for what in ("checks", "probes")]
    return [of_line(line, found) for answer in looked for found in answer["findings"]]


def provision(line: str) -> None:
    """Set a line's webhooks at Twilio."""
    _tell(line, ask("POST", f"lines/{line}/provisionings", seconds=_SECONDS))


def undo(line: str, *, sure: bool) -> None:
    """Set what was set before."""
    confirm("Twilio will send this line's webhooks where it sent them before.", sure=sure)
    done = ask("DELETE", f"lines/{line}/provisionings/last", seconds=_SECONDS)
    if done["outcome"] == "changed":
        note("Undone: what was set before is set again.")
    _tell(line, done, quiet=True)


def in_words(line: str, done: dict[str, Any]) -> str:
    """Return how a provisioning ended, as a sentence."""
    code = f" (error {done['code']})" if done["code"] else ""
    return _TOLD[done["outcome"]].format(line=line, code=code)


def is_settled(done: dict[str, Any]) -> bool:
    """Tell whether everything is as it should be after a provisioning."""
    return done["outcome"] in _SETTLED


def _tell(line: str, done: dict[str, Any], *, quiet: bool = False) -> None:
    if not is_table():
        say_json(done)
    if not is_settled(done):
        fail(Exit.FAILURE, in_words(line, done))
    if is_table() and not quiet:
        say(in_words(line, done))
