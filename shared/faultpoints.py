"""
Named places in which a test may let a process die: right before and right after each publish, commit and send.

Off unless the setting `TRUNKLINE_FAULT_POINTS` names a directory, which only a local environment accepts. A file there,
named such as `router.commit.after`, is an order: the first process that gets to this place takes the file away and kills
itself with -9, as a crash of the machine would.
"""

import os
import signal
from enum import StrEnum
from pathlib import Path
from typing import Literal

Side = Literal["before", "after"]


class Step(StrEnum):
    """What is dangerous to die in: each has a place before and a place after it."""

    INGRESS_PUBLISH = "ingress.publish"
    ROUTER_COMMIT = "router.commit"
    ROUTER_HINT = "router.hint"
    AGENT_MODEL = "agent.model"
    AGENT_TOOL = "agent.tool"
    AGENT_REMEMBER = "agent.remember"
    AGENT_COMMIT = "agent.commit"
    AGENT_HINT = "agent.hint"
    EGRESS_MOVE = "egress.move"
    EGRESS_SEND = "egress.send"
    EGRESS_RECORD = "egress.record"
    EGRESS_REPORT = "egress.report"


class _Orders:
    """Where orders are left; nowhere by default."""

    directory: Path | None = None


def arm(directory: str | None) -> None:
    """Take orders from this directory from now on; None: take none."""
    _Orders.directory = Path(directory) if directory else None


def before(step: Step | None) -> None:
    """Die here if that was ordered."""
    _reach(step, "before")


def after(step: Step | None) -> None:
    """Die here if that was ordered."""
    _reach(step, "after")


def _reach(step: Step | None, side: Side) -> None:
    if _Orders.directory is None or step is None:
        return
    try:
        (_Orders.directory / f"{step}.{side}").unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
