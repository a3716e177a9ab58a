"""The doctor: looks at everything between people and the agent, in the order in which one thing needs another."""

from collections.abc import Iterable

from cli import lines
from cli.api import ask
from cli.diagnosis import local_stack, platform
from cli.findings import ERROR, Finding, finish
from cli.outcome import CommandFailed, Exit, note
from cli.records import items

_SECONDS = 60.0


def examine(line: str | None, *, fix: bool) -> None:
    """Look, mend what can be mended where that is wanted, and tell what is found then."""
    runs, found = local_stack()
    if runs:
        reached, about_platform = platform()
        known = {it.subject.rpartition("-")[0] for it in found if not it.is_good}
        found += [it for it in about_platform if it.subject not in known]
        if reached:
            for one in [line] if line else _enabled():
                found += _line(one, fix=fix)
    finish(found)


def _enabled() -> Iterable[str]:
    return [str(line["id"]) for line in items("lines", None) if line["enabled"]]


def _line(line: str, *, fix: bool) -> list[Finding]:
    try:
        found = lines.look_at(line)
        if not fix or not any(finding.fixable for finding in found):
            return found
        done = ask("POST", f"lines/{line}/provisionings", seconds=_SECONDS)
        note(f"{line}: {lines.in_words(line, done)}")
        again = lines.look_at(line)
    except CommandFailed as failed:
        if failed.status not in {Exit.UNAVAILABLE, Exit.FAILURE}:
            raise
        return [Finding(line, "not_examined", ERROR, str(failed), "Look at the console's log: trunkline logs console")]
    return (
        again
        if lines.is_settled(done)
        else [*again, _not_mended(line, str(done["outcome"]), lines.in_words(line, done))]
    )


def _not_mended(line: str, outcome: str, told: str) -> Finding:
    remedy = "Set it by hand in Twilio's console, or ask Twilio why."
    return Finding(line, f"provisioning_{outcome}", ERROR, told, remedy)
