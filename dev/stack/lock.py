"""Who supervises a home: whoever holds the lock on its pid file. The kernel lets go of it when that process dies."""

import fcntl
import os
import time
from pathlib import Path
from typing import IO

from dev.stack.home import Home

_PATIENCE = 2.0
_PAUSE = 0.02


def hold(home: Home) -> IO[str] | None:
    """Become the supervisor for as long as the returned file is open; None if there is one."""
    file = _file(home).open("a+", encoding="utf-8")
    deadline = time.monotonic() + _PATIENCE  # somebody may just be asking
    while not _locked(file):
        if time.monotonic() > deadline:
            file.close()
            return None
        time.sleep(_PAUSE)
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def supervisor_pid(home: Home) -> int | None:
    """Return the process id of the supervisor; None when none is alive, whatever the file says."""
    try:
        with _file(home).open("r", encoding="utf-8") as file:
            if _locked(file):
                return None
            return int(file.read() or 0) or None
    except FileNotFoundError:
        return None


def _file(home: Home) -> Path:
    return home.run / "supervisor.pid"


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
