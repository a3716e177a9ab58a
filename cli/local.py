"""The local stack that a command is about: the one of TRUNKLINE_HOME."""

import os

from cli.outcome import Exit, fail
from dev.stack import control
from dev.stack.home import Home


def home_here() -> Home:
    """Return the home that the environment names."""
    return Home.from_env(os.environ)


def running_stack() -> tuple[Home, control.State]:
    """Return the home and what its supervisor says, or end the command when none runs."""
    home = home_here()
    if not control.is_running(home):
        fail(Exit.UNAVAILABLE, "No stack is running. Start it: trunkline up")
    return home, control.state_of(home)
