"""
Run a command that dies with its parent: `python -I -S leash.py PARENT SIGNAL UID GID COMMAND…`.

A program of its own, not a `preexec_fn`: that would run Python between fork and exec of a threaded parent. Runs on the
standard library alone, and replaces itself by the command, so the process id stays. UID and GID are `-` to stay as we are.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Drop privileges, ask the kernel for the signal, become the command."""
    parent, death_signal, uid, gid = sys.argv[1:5]
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    if sys.platform == "linux":  # elsewhere a killed parent leaves its children behind
        # After setuid: a change of credentials clears the setting.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != int(parent):  # it died before the kernel knew
        os.kill(os.getpid(), signal.SIGKILL)
    # Python ignores SIGPIPE, and a child would inherit that.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execvp(sys.argv[5], sys.argv[5:])  # noqa: S606 - a shell would stand between the leash and the command


if __name__ == "__main__":
    main()
