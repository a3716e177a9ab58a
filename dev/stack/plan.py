"""Which processes a stack has, in which order they start, and on which ports."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dev.embedded import free_port, is_free
from dev.stack.faults import Misconfigured
from dev.stack.home import Home, read_json, write_json

SERVERS = ("nats", "postgres")
COMPANIONS = ("model", "simulator", "console")
SERVICES = ("ingress", "router", "agent", "egress")
STAGES = (SERVERS, COMPANIONS, SERVICES)
"""Each stage starts when the one before is ready; between the first and the second the schema and the streams are made."""

INGRESS_PORT, CONSOLE_PORT, SIMULATOR_PORT = 8080, 8081, 8082
_HIGHEST_OFFSET = 65_535 - SIMULATOR_PORT


@dataclass(frozen=True)
class Part:
    """One process of the stack."""

    name: str
    replica: int

    @property
    def label(self) -> str:
        """Its name in log files and on the command line, such as `router-2`."""
        return f"{self.name}-{self.replica}"

    def answers_to(self, name: str) -> bool:
        """Tell whether `router` or `router-2` means this process."""
        return name in {self.name, self.label}


@dataclass(frozen=True)
class Desired:
    """What the stack shall be. Written by the CLI, read by the supervisor."""

    replicas: Mapping[str, int] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()

    @classmethod
    def load(cls, home: Home) -> "Desired":
        """Read it; the plain stack when nothing was written yet."""
        saved = read_json(home.run / "desired.json") or {}
        return cls(saved.get("replicas", {}), tuple(saved.get("without", ())), tuple(saved.get("stopped", ())))

    def save(self, home: Home) -> None:
        """Write it."""
        value = {"replicas": dict(self.replicas), "without": self.without, "stopped": self.stopped}
        write_json(home.run / "desired.json", value)

    def parts(self) -> tuple[Part, ...]:
        """Return every process, in the order of starting."""
        names = [name for stage in STAGES for name in stage if name not in self.without]
        return tuple(Part(name, n) for name in names for n in range(1, self.replicas.get(name, 1) + 1))

    def keeps_down(self, part: Part) -> bool:
        """Tell whether this process was stopped by name."""
        return any(part.answers_to(name) for name in self.stopped)


def port_offset(environ: Mapping[str, str]) -> int:
    """Return what TRUNKLINE_PORT_OFFSET adds to the well-known ports."""
    raw = environ.get("TRUNKLINE_PORT_OFFSET") or "0"
    if not raw.isdecimal() or int(raw) > _HIGHEST_OFFSET:
        raise Misconfigured("TRUNKLINE_PORT_OFFSET", f"a number from 0 to {_HIGHEST_OFFSET} is needed")
    return int(raw)


def known_ports(offset: int) -> dict[str, int]:
    """Return the ports that people and scripts rely on, by process."""
    ports = {"ingress-1": INGRESS_PORT, "console-1": CONSOLE_PORT, "simulator-1": SIMULATOR_PORT}
    return {label: port + offset for label, port in ports.items()}


def assign_ports(home: Home, parts: Iterable[Part], offset: int) -> dict[str, int]:
    """
    Return a port for each process under its label, and for its probes under `LABEL/ops`.

    The well-known ones follow from the offset. The others are chosen once and kept, unless somebody has taken them since.
    """
    file = home.run / "ports.json"
    kept: dict[str, int] = read_json(file) or {}
    ports = known_ports(offset)
    for part in parts:
        for use in (part.label, f"{part.label}/ops"):
            if use not in ports:
                ports[use] = _kept_or_fresh(kept.get(use), set(ports.values()))
    write_json(file, kept | ports)
    return ports


def _kept_or_fresh(kept: int | None, used: set[int]) -> int:
    if kept is not None and kept not in used and is_free(kept):
        return kept
    while (port := free_port()) in used:
        pass
    return port
