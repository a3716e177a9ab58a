"""What was looked at and how it was found, in words: each fault ends with how to mend it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cli.choices import Output
from cli.outcome import Exit, bold, faint, form, note, printable, say, say_json

OK, WARNING, ERROR = "ok", "warning", "error"
_SIGNS = {OK: "✓", WARNING: "!", ERROR: "✗"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `subject`: a line's id, a process, or what else it is about."""

    subject: str
    code: str
    severity: str
    text: str
    remedy: str = ""
    fixable: bool = False

    @property
    def is_good(self) -> bool:
        """Tell whether it is as it should be."""
        return self.severity == OK


def of_line(line: str, told: Mapping[str, Any]) -> Finding:
    """Return a finding as the API tells it of a line."""
    return Finding(subject=line, **told)


def finish(found: Sequence[Finding]) -> None:
    """Print everything, and end the command with status 1 where something is wrong."""
    wrong = [finding for finding in found if not finding.is_good]
    match form():
        case Output.TABLE:
            _say_lines(found)
        case Output.JSONL:
            for finding in found:
                say_json(asdict(finding))
        case Output.JSON:
            say_json({"good": not wrong, "findings": [asdict(finding) for finding in found]})
    if not wrong:
        note("Nothing is wrong.")
        return
    if any(finding.fixable for finding in wrong):
        note("Some of it can be mended from here: trunkline doctor --fix")
    raise SystemExit(Exit.FAILURE)


def _say_lines(found: Sequence[Finding]) -> None:
    width = max((len(finding.subject) for finding in found), default=0)
    for finding in found:
        start = f"{_SIGNS[finding.severity]} {finding.subject.ljust(width)}  "
        if finding.is_good:
            say(faint(start + printable(finding.text)))
        else:
            say(f"{bold(start)}{printable(finding.text)} {printable(finding.remedy)}")
