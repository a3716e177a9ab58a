"""Completion in shells."""

from cli.outcome import Exit, fail, say

_SHELLS = ("bash", "zsh", "fish")


def show(shell: str) -> None:
    """Print a shell's script."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]  # re-exported there

    if shell not in _SHELLS:
        fail(Exit.CONFIGURATION, f"{shell} is none of {', '.join(_SHELLS)}")
    say(get_completion_script(prog_name="trunkline", complete_var="_TRUNKLINE_COMPLETE", shell=shell))


def prepare() -> None:
    """Let the command answer what such a script asks."""
    from typer.completion import completion_init  # type: ignore[attr-defined]  # likewise

    completion_init()
