"""Where a stack keeps its state, and the files in it that only its owner may read."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).absolute().parents[2]
_DEFAULT = ".trunkline"


@dataclass(frozen=True)
class Home:
    """The directory of one stack."""

    root: Path

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Home":
        """Return the home that TRUNKLINE_HOME names, else the one in the repository."""
        named = environ.get("TRUNKLINE_HOME")
        return cls(Path(named).absolute() if named else REPOSITORY / _DEFAULT)

    @property
    def keys(self) -> Path:
        """Keys and the simulator's account, made at first start."""
        return self.root / "keys"

    @property
    def logs(self) -> Path:
        """One file per process."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """What the supervisor and the CLI tell each other."""
        return self.root / "run"

    @property
    def nats(self) -> Path:
        """The streams."""
        return self.root / "nats"

    @property
    def postgres(self) -> Path:
        """The database."""
        return self.root / "postgres"

    def log_of(self, label: str) -> Path:
        """Return the log file of a process, such as `router-1`."""
        return self.logs / f"{label}.log"

    def prepare(self) -> None:
        """Make the directories, private where secrets or texts may be inside."""
        self.root.mkdir(parents=True, exist_ok=True)
        for private in (self.keys, self.logs, self.run, self.nats):
            private.mkdir(mode=0o700, exist_ok=True)


def write_private(path: Path, text: str) -> None:
    """Write a file whole or not at all, mode 0600."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Write a JSON file whole or not at all, mode 0600."""
    write_private(path, json.dumps(value, indent=2) + "\n")


def read_json(path: Path) -> Any:  # noqa: ANN401 - whatever JSON can say
    """Return a JSON file's value; None when there is no such file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
