"""Prints docs/cli.md from the commands themselves: `python -m cli.reference > docs/cli.md`."""

from collections.abc import Iterator
from dataclasses import dataclass

from typer.main import get_command

from cli.commands import app

_HEAD = """# The command line

Made from the commands: `python -m cli.reference > docs/cli.md`. Every command has `--help`.

Commands about tenants, lines, people and messages ask the API: the local stack's, or the one of `TRUNKLINE_API_URL` with
`TRUNKLINE_API_KEY`. Data is on stdout, notes are on stderr. `-o table|json|jsonl`: a table is printed on a terminal only, JSON
otherwise. Lists print the newest 50; `--limit N` and `--all` print more, `--watch` looks again and again. `--timeout SECONDS`
limits the wait for an answer, `--no-color` or `NO_COLOR` leaves colours out, `--yes` answers questions. Secrets are asked for, or
read from a file (`--token-file FILE`, `-` for standard input); they are never among the arguments.

| Status | Meaning |
|---|---|
| 0 | done |
| 1 | it failed, or something is wrong |
| 2 | wrong usage or configuration |
| 3 | the key is not right, or may not do this |
| 4 | there is no such thing |
| 5 | it conflicts with something else, or was changed meanwhile |
| 6 | something does not answer, or not in time |
| 130 | interrupted |

With `-o json` the document of a failed request is printed on stdout (RFC 9457).
"""


@dataclass(frozen=True)
class Command:
    """A command as its help shows it. `words`: what it is called by, behind `trunkline`."""

    words: tuple[str, ...]
    arguments: tuple[str, ...]
    options: tuple[str, ...]
    about: str
    example: str


def commands() -> Iterator[Command]:
    """Yield every command."""
    yield from _below(get_command(app), ())


def page() -> str:
    """Return the page."""
    found = list(commands())
    sections = [_section("Here", [one for one in found if len(one.words) == 1])]
    nouns = dict.fromkeys(one.words[0] for one in found if len(one.words) > 1)
    sections += [_section(noun, [one for one in found if one.words[0] == noun]) for noun in nouns]
    return "\n".join([_HEAD, *sections])


def _below(command: object, words: tuple[str, ...]) -> Iterator[Command]:
    inner: dict[str, object] = getattr(command, "commands", {})
    for name, one in inner.items():
        yield from _below(one, (*words, name))
    if not inner:
        yield _command(command, words)


def _command(command: object, words: tuple[str, ...]) -> Command:
    parameters = getattr(command, "params", [])
    return Command(
        words,
        tuple(it.name.upper() for it in parameters if it.param_type_name == "argument"),
        tuple(option for it in parameters if it.param_type_name == "option" for option in it.opts),
        str(getattr(command, "help", "")).partition("\n\n")[0].replace("\n", " ").strip(),
        str(getattr(command, "epilog", "")).removeprefix("Example: "),
    )


def _section(title: str, found: list[Command]) -> str:
    rows = [
        f"| `trunkline {' '.join((*it.words, *it.arguments))}` | {it.about} | `{_cell(it.example)}` |" for it in found
    ]
    return "\n".join([f"## {title}", "", "| Command | What it does | Example |", "|---|---|---|", *rows, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(page(), end="")
