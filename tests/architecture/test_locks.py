"""What each service's own lock holds is enough for it, and for no sibling."""

import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("ingress", "router", "agent", "egress", "console")

_ONLY_LOCKED = """
import importlib.abc, importlib.metadata, sys

allowed, modules = set(sys.argv[1].split(",")), sys.argv[2:]
owners = importlib.metadata.packages_distributions()


class Wall(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        held_by = {owner.lower().replace("_", "-").replace(".", "-") for owner in owners.get(top, ())} - {"trunkline"}
        if held_by and not held_by & allowed:
            raise ModuleNotFoundError(f"{name} is not in the lock", name=name)
        return None


sys.meta_path.insert(0, Wall())
for module in modules:
    importlib.import_module(module)
print(*sorted({".".join(name.split(".")[:2]) for name in sys.modules if name.startswith("services.")}))
"""


def locked(folder: str) -> set[str]:
    text = (ROOT / folder / "requirements.txt").read_text()
    return {
        name.lower().replace("_", "-").replace(".", "-")
        for name in re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)
    }


def services_imported(lock: set[str], *modules: str) -> list[str]:
    """Import modules with every package out of sight that the lock does not hold; return the services that came along."""
    done = subprocess.run(
        [sys.executable, "-c", _ONLY_LOCKED, ",".join(sorted(lock)), *modules],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_imports_from_its_own_lock_alone(service: str) -> None:
    """
    With every other package out of sight its __main__ imports, and brings no sibling along.
    """
    assert services_imported(locked(f"services/{service}"), f"services.{service}.__main__") == [f"services.{service}"]


def test_the_local_stack_and_the_cli_need_nothing_beyond_their_lock() -> None:
    """
    `make up` installs dev/requirements.txt alone: servers, services, simulator and every command are in it.
    """
    folders = ("cli", "dev/embedded", "dev/model", "dev/simulator", "dev/stack")
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.name not in {"__main__.py", "leash.py"}
    ]
    services_imported(locked("dev"), *modules)
    for service in SERVICES:
        assert locked(f"services/{service}") <= locked("dev")


@pytest.mark.parametrize(
    ("service", "absent"),
    [("ingress", "psycopg"), ("ingress", "twilio"), ("router", "openai"), ("agent", "twilio"), ("egress", "openai")],
)
def test_an_image_does_not_carry_what_its_service_may_not_use(service: str, absent: str) -> None:
    """
    Ingress has no database driver and nobody but egress can send.
    """
    assert absent not in locked(f"services/{service}")


def test_locks_agree_and_name_no_index() -> None:
    """
    Images run the versions that the tests ran, and no file says where they came from.
    """
    installed = {dist.metadata["Name"].lower().replace("_", "-"): dist.version for dist in distributions()}
    for folder in (*(f"services/{service}" for service in SERVICES), "cli", "dev", "dev/simulator"):
        text = (ROOT / folder / "requirements.txt").read_text()
        assert "://" not in text
        for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", text, re.MULTILINE):
            assert installed.get(name.lower().replace("_", "-").replace(".", "-"), version) == version
