"""Who listens on a port, as far as the system tells us."""

from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_LISTEN = "0A"


def listener(port: int) -> str | None:
    """Return the process that listens on a TCP port, such as `python3 (pid 4711)`; None when it cannot be found out."""
    wanted = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for folder in _PROC.glob("[0-9]*") if wanted else ():
        try:
            if any(str(entry.readlink()) in wanted for entry in (folder / "fd").iterdir()):
                return f"{(folder / 'comm').read_text(encoding='utf-8').strip()} (pid {folder.name})"
        except OSError:  # somebody else's, or gone
            continue
    return None


def _listening_inodes(port: int) -> Iterator[str]:
    for table in (_PROC / "net/tcp", _PROC / "net/tcp6"):
        if not table.exists():
            continue
        for line in table.read_text(encoding="utf-8").splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rsplit(":", 1)[1], 16) == port:
                yield fields[9]
