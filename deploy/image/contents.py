"""
What an image holds of this tree: `python -m deploy.image.contents SERVICE FOLDER` lays it out.

A service's image holds the kernel and the service; nothing of its siblings, of the command line or of the local stack. Beside
the five services there are `jobs` (the command line, for what is done once or from time to time) and `simulator` (the phones
and the scripted model of a demonstration).
"""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).parents[2]
SERVICES = ("ingress", "router", "agent", "egress", "console")

_LEFT_OUT = shutil.ignore_patterns("requirements.txt", "__pycache__", "testing.py")
_HEALTH = "deploy/image/health.py"


@dataclass(frozen=True)
class Contents:
    """`paths`: what is taken over, as it lies in the tree. `main`: the package that runs. `lock`: the wheels."""

    paths: tuple[str, ...]
    main: str
    lock: str


def _service(name: str) -> Contents:
    folder = f"services/{name}"
    return Contents(("shared", "services/__init__.py", folder), folder, f"{folder}/requirements.txt")


IMAGES: Mapping[str, Contents] = {
    **{name: _service(name) for name in SERVICES},
    "jobs": Contents(
        ("shared", "cli", "deploy/__init__.py", "deploy/keys.py", "deploy/logins.py"), "cli", "cli/requirements.txt"
    ),
    "simulator": Contents(
        ("shared", "dev/__init__.py", "dev/simulator", "dev/model"), "dev/simulator", "dev/simulator/requirements.txt"
    ),
}


def lay_out(image: str, folder: Path) -> None:
    """Copy an image's files to `folder`. `python -m main` in it starts the service; `health.py` is its health check."""
    contents = IMAGES[image]
    for path in contents.paths:
        place = folder / path
        if (SOURCE / path).is_dir():
            shutil.copytree(SOURCE / path, place, ignore=_LEFT_OUT)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(SOURCE / path, place)
    shutil.copyfile(SOURCE / _HEALTH, folder / "health.py")
    (folder / "main").symlink_to(contents.main)


if __name__ == "__main__":
    lay_out(sys.argv[1], Path(sys.argv[2]))
