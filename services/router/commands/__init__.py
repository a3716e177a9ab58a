"""Commands that people send. Adding one: a file here, and its place in `COMMANDS` (also the text of /help)."""

from services.router.commands.command import Command
from services.router.commands.help import help_command
from services.router.commands.pair import PAIR
from services.router.commands.reset import RESET
from services.router.commands.start import START
from services.router.commands.stop import STOP

COMMANDS: tuple[Command, ...] = (PAIR, RESET, STOP)
HELP = help_command(COMMANDS)


def find(text: str) -> tuple[Command, str] | None:
    """Return the command that a text is, and its argument; None for anything else, an unknown /word included."""
    word, _, argument = text.strip().partition(" ")
    for command in (*COMMANDS, HELP):
        if word.lower() == command.word or (not argument and word.lower() in command.bare):
            return command, argument.strip()
    return None


def is_start(text: str) -> bool:
    """Tell whether a text asks to be answered again after /stop."""
    return text.strip().lower() in {START.word, *START.bare}


__all__ = ["COMMANDS", "HELP", "START", "STOP", "Command", "find", "is_start"]
