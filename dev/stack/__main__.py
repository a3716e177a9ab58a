"""The supervisor's process: `python -m dev.stack HOME`. `trunkline up` starts it."""

import os
import sys
from pathlib import Path

from dev.stack.home import Home
from dev.stack.lock import hold
from dev.stack.supervisor import supervise


def main() -> int:
    """Supervise the home given as argument, unless somebody does already."""
    home = Home(Path(sys.argv[1]))
    lock = hold(home)
    if lock is None:
        return 0
    with lock:
        return 0 if supervise(home, os.environ) else 1


if __name__ == "__main__":
    sys.exit(main())
