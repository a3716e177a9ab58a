"""Prints `docs/error-codes.md` from the table that egress decides by: `python -m dev.error_codes > docs/error-codes.md`."""

from collections.abc import Iterator

from shared.channels.whatsapp_twilio.codes import CODES, UNKNOWN_CODE
from shared.failures import SendFailure

_HEAD = """# Twilio's error codes

What each code does here, made from the table that egress decides by. A part that ends for one of them is a dead letter, which says
the same; `trunkline dead-letters replay` tries it again. A code that is not listed is permanent, and pages.
"""


def page() -> str:
    """Return the page."""
    lines = [f"| {code} | `{failure.code}` | {_tried(failure)} | {failure.advice} |" for code, failure in CODES.items()]
    other = f"| any other | `{UNKNOWN_CODE.code}` | {_tried(UNKNOWN_CODE)} | {UNKNOWN_CODE.advice} |"
    return "\n".join([_HEAD, "| Code | Here | Tried again | What to do |", "|---|---|---|---|", *lines, other, ""])


def _tried(failure: SendFailure) -> str:
    return ", ".join(_facts(failure))


def _facts(failure: SendFailure) -> Iterator[str]:
    yield f"{failure.most} times in all, from {failure.after:g} s on" if failure.retry else "no"
    if failure.stops:
        yield "and nothing else is sent to them"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 - printing is its work
