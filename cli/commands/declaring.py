"""
How commands are declared: a function with its own parameters, an example, and the options that many have in common.

Nothing here or beside it imports what a command needs to do its work: `--help` would wait for it.
"""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import typer

from cli.choices import Output, chosen

F = TypeVar("F", bound=Callable[..., None])


def _option(name: str, kind: Any, default: Any) -> inspect.Parameter:  # noqa: ANN401 - what typer takes
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


_OUTPUT = _option(
    "output",
    Annotated[Output | None, typer.Option("--output", "-o", help="Default: table on a terminal, else json.")],
    None,
)
_SECONDS = _option(
    "seconds", Annotated[float | None, typer.Option("--timeout", min=0.1, help="Seconds to wait for an answer.")], None
)
_PLAIN = _option(
    "plain", Annotated[bool, typer.Option("--no-color", help="No colours; so does the variable NO_COLOR.")], False
)
_LIMIT = _option("limit", Annotated[int, typer.Option("--limit", min=1, help="The most to list.")], 50)
_EVERY = _option("every", Annotated[bool, typer.Option("--all", help="List all there are.")], False)
_WATCH = _option(
    "watch", Annotated[bool, typer.Option("--watch", help="Look every two seconds, until interrupted.")], False
)

LOCAL = (_PLAIN,)
SHOWING = (_OUTPUT, _PLAIN)
WATCHING = (_OUTPUT, _PLAIN, _WATCH)
ASKING = (_OUTPUT, _SECONDS, _PLAIN)
LISTING = (_OUTPUT, _LIMIT, _EVERY, _WATCH, _SECONDS, _PLAIN)


def declare(
    app: typer.Typer, name: str, example: str, options: Sequence[inspect.Parameter] = ASKING
) -> Callable[[F], F]:
    """Make a function a command. `options`: those in common that it has; what is given is in `chosen` when it runs."""

    def register(function: F) -> F:
        @functools.wraps(function)
        def run(**given: Any) -> None:  # noqa: ANN401 - whatever the parameters are
            for option in options:
                setattr(chosen, option.name, given.pop(option.name))
            function(**given)

        own = inspect.signature(function)
        run.__signature__ = own.replace(parameters=[*own.parameters.values(), *options])  # type: ignore[attr-defined]
        run.__annotations__ |= {option.name: option.annotation for option in options}
        app.command(name, epilog=f"Example: {example}")(run)
        return function

    return register


class Noun:
    """What commands are about. Its verbs are declared with `verb`."""

    def __init__(self, name: str, about: str) -> None:
        self.name = name
        self.app = typer.Typer(name=name, help=about, no_args_is_help=True)

    def verb(self, name: str, example: str, options: Sequence[inspect.Parameter] = ASKING) -> Callable[[F], F]:
        """Declare a verb. `example`: what follows `trunkline NOUN VERB`, or a whole line that contains `trunkline`."""
        line = example if "trunkline" in example else f"trunkline {self.name} {name} {example}".rstrip()
        return declare(self.app, name, line, options)

    def sub(self, name: str, about: str) -> "Noun":
        """Return a noun below this one."""
        below = Noun(f"{self.name} {name}", about)
        self.app.add_typer(below.app, name=name)
        return below
