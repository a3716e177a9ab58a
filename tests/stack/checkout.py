"""A pretended checkout: the real CLI and the real supervisor, with stand-ins for everything that they start."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dev.embedded import free_port, is_free
from dev.stack import control
from dev.stack.home import REPOSITORY, Home
from dev.stack.plan import INGRESS_PORT
from tests.command_line import run

_REAL = ("cli", "dev/__init__.py", "dev/embedded", "dev/stack", "shared/settings.py", "shared/keyring.py")
_STAND_INS = (
    "services/ingress", "services/router", "services/agent", "services/egress", "services/console",
    "dev/simulator", "dev/model",
)  # fmt: skip
_MIGRATIONS = """
import psycopg
def upgrade(url, *, contract):
    with psycopg.connect(url) as connection:
        connection.execute("create table if not exists upgrades (at timestamptz default now())")
        connection.execute("insert into upgrades default values")
        for role in ("router", "agent", "egress", "console"):
            if connection.execute("select 1 from pg_roles where rolname = %s", [f"trunkline_{role}"]).fetchone() is None:
                connection.execute(f"create role trunkline_{role}")
    return []
def pending(url):
    return []
"""
_BUS = "def apply_topology(server, replicas, first): assert server.url.startswith('nats://')\n"
_SECONDS = 60


Completed = subprocess.CompletedProcess[str]

ONLY_INGRESS = ("--without", "model,simulator,console,router,agent,egress")


@dataclass(frozen=True)
class Checkout:
    """A directory that looks like the repository, and the home of its stack."""

    root: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Home:
        """The stack's home."""
        return Home(self.root / ".trunkline")

    @property
    def offset(self) -> int:
        """What is added to the well-known ports."""
        return int(self.environ["TRUNKLINE_PORT_OFFSET"])

    def run(self, *words: str, given: str = "", **more: str) -> Completed:
        """Run `trunkline` with these words, this standard input and these further variables."""
        return subprocess.run(
            [sys.executable, "-m", "cli", *words],
            cwd=self.root,
            env={**self.environ, **more},
            input=given,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )

    def ask(self, *words: str, given: str = "") -> Completed:
        """Do the same in this process, which is faster. Not for `up`: it would start the real services."""
        return run(words, self.environ | {"TRUNKLINE_HOME": str(self.home.root)}, given)

    def status(self) -> dict[str, Any]:
        """Return what `trunkline status -o json` prints."""
        return control.status(self.home)

    def pids(self) -> dict[str, int | None]:
        """Return the process ids that the stack tells, by label."""
        return {f"{part['name']}-{part['replica']}": part["pid"] for part in self.status()["services"]}


def pretend(root: Path, environ: Mapping[str, str]) -> Checkout:
    """Make a checkout below `root`, on ports of its own."""
    for name in _REAL:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(REPOSITORY / name)
    for name in _STAND_INS:
        (root / name).mkdir(parents=True)
        (root / name / "__main__.py").write_text("from program import main\nmain()\n", encoding="utf-8")
        (root / name / "__init__.py").touch()
    (root / "services/__init__.py").touch()
    shutil.copy(Path(__file__).parent / "stand_ins/program.py", root / "program.py")
    for name, text in {"shared/store/migrations.py": _MIGRATIONS, "shared/bus.py": _BUS}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    clean = {
        name: value for name, value in environ.items() if not name.startswith(("TRUNKLINE_", "TWILIO_", "OPENAI_"))
    }
    return Checkout(root, clean | {"TRUNKLINE_PORT_OFFSET": str(_free_offset())})


def await_that(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until a condition holds; fail the test when it takes too long."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Tell whether a process exists and is not merely waiting for its parent to take note of its end."""
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2][0]
        return state != "Z"
    if not Path("/proc").is_dir():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 0)
            return True
    return False


def _free_offset() -> int:
    while True:
        first = free_port()
        if all(is_free(first + n) for n in range(3)):
            return first - INGRESS_PORT
