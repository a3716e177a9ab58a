"""What a running container may do, as the kernel and an attempt tell."""

from dataclasses import dataclass
from subprocess import CalledProcessError

from dev.containers.composed import Composed

_SYSTEM_CALLS_FILTERED = 2


@dataclass(frozen=True)
class Hardening:
    """One container. `capabilities`: those that its processes could ever have, as the kernel's mask."""

    service: str
    uid: int
    capabilities: int
    no_new_privileges: bool
    filtered: bool
    read_only: bool

    @property
    def holds(self) -> bool:
        """Tell whether it is no root, has nothing of root's, can gain nothing and cannot write to its image."""
        return bool(self.uid) and not self.capabilities and self.no_new_privileges and self.filtered and self.read_only


def hardening_of(stack: Composed, container: str, service: str) -> Hardening:
    """Ask the kernel about a container's first process, and try to write to its root."""
    lines = stack.inside(container, "cat", "/proc/1/status").splitlines()
    status = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    return Hardening(
        service,
        uid=int(status["Uid"][0]),
        capabilities=int(status["CapBnd"][0], 16),
        no_new_privileges=status["NoNewPrivs"] == ["1"],
        filtered=int(status["Seccomp"][0]) == _SYSTEM_CALLS_FILTERED,
        read_only=not _may_write(stack, container),
    )


def _may_write(stack: Composed, container: str) -> bool:
    """Try it as root, whom no file's mode would stop."""
    try:
        stack.engine.docker("exec", "--user", "0", container, "touch", "/written", quiet=True)
    except CalledProcessError:
        return False
    return True
