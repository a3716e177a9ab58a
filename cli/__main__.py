"""The command line: `trunkline COMMAND`. Commands are declared in `cli/commands`; what they do is in modules they import late."""

import os
import sys
from collections.abc import Sequence

from cli.choices import Output, chosen
from cli.commands import app
from cli.outcome import CommandFailed, note, say_json

_COMPLETING = "_TRUNKLINE_COMPLETE"


def main(words: Sequence[str] | None = None) -> None:
    """Run the command of these words, else of the process's arguments; every expected failure is one line on stderr."""
    if _COMPLETING in os.environ:
        from cli import completion

        completion.prepare()
    try:
        with chosen.begin():
            app(words, prog_name="trunkline")
    except CommandFailed as failure:
        if chosen.output in {Output.JSON, Output.JSONL} and not chosen.has_spoken:
            say_json(failure.problem)
        note(str(failure))
        sys.exit(failure.status)


if __name__ == "__main__":
    main()
