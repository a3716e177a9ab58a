"""What killed runs of tests leave behind: folders in memory, which pytest itself keeps for three days."""

import os
import shutil
from contextlib import suppress
from pathlib import Path


def sweep(root: Path) -> None:
    """Remove the folders of runs that died. pytest notes who runs in each, until that run has ended in order."""
    for note in root.glob("pytest-*/.lock"):
        with suppress(FileNotFoundError):  # that run has just ended, or somebody else sweeps too
            if _is_dead(note.read_text()):
                shutil.rmtree(note.parent, ignore_errors=True)


def _is_dead(noted: str) -> bool:
    """Tell whether a process is certainly gone: a number that is not written yet, or somebody else's by now, is not."""
    try:
        os.kill(int(noted), 0)
    except ProcessLookupError:
        return True
    except (ValueError, PermissionError):
        return False
    return False
