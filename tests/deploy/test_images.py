"""What images hold, and what their recipe promises."""

import asyncio
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from deploy.image.contents import IMAGES, SERVICES, lay_out
from deploy.image.health import healthy
from dev.embedded import free_port
from shared.ops import ops_app, serving
from tests.deploy.rendering import BIN, ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()

_STARTS = {
    "jobs": (
        "cli.__main__",
        "cli.jobs",
        "cli.api",
        "shared.bus",
        "shared.store.migrations",
        "deploy.keys",
        "deploy.logins",
    ),
    "simulator": ("dev.simulator.__main__", "dev.simulator.app", "dev.model.app", "uvicorn"),
}
"""What an image must be able to import: its main module, and what that imports only when it is needed."""

_ALONE = """
import importlib, importlib.abc, sys

folder, packages, hidden, modules = sys.argv[1], sys.argv[2], set(sys.argv[3].split(",")), sys.argv[4].split(",")
sys.path[:] = [folder, *(path for path in sys.path if "site-packages" not in path), packages]


class Wall(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            raise ModuleNotFoundError(f"{name} is not in the image", name=name)
        return None


sys.meta_path.insert(0, Wall())
for module in modules:
    importlib.import_module(module)
assert all(getattr(sys.modules[module], "__file__").startswith((folder, packages)) for module in modules)
"""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(image: str) -> set[str]:
    text = (ROOT / IMAGES[image].lock).read_text()
    return {normal(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)}


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_starts_from_its_files_and_its_lock_alone(image: str, tmp_path: Path) -> None:
    """
    Every other file of the tree and every other package is out of sight.
    """
    lay_out(image, tmp_path / "app")
    own = locked(image)
    owned = packages_distributions().items()
    hidden = {top for top, owners in owned if not {normal(it) for it in owners} & {*own, "trunkline"}}
    modules = _STARTS.get(image, (f"services.{image}.__main__",))
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    argv = [
        sys.executable,
        "-S",
        "-P",
        "-c",
        _ALONE,
        str(tmp_path / "app"),
        packages,
        ",".join(hidden),
        ",".join(modules),
    ]
    done = subprocess.run(argv, cwd=tmp_path, env={}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_image_holds_the_kernel_and_the_service(service: str, tmp_path: Path) -> None:
    """
    No sibling, no command line, no local stack, no lock, no tests.
    """
    lay_out(service, tmp_path / "app")
    assert {it.name for it in (tmp_path / "app").iterdir()} == {"shared", "services", "main", "health.py"}
    assert {it.name for it in (tmp_path / "app/services").iterdir()} == {"__init__.py", service}
    assert (tmp_path / "app/main").resolve() == tmp_path / "app/services" / service
    assert not [*(tmp_path / "app").rglob("requirements.txt"), *(tmp_path / "app").rglob("test*")]


def test_only_the_simulators_image_can_pretend_to_be_twilio(tmp_path: Path) -> None:
    """
    Nothing of `dev` is in what runs in production.
    """
    for image in IMAGES:
        lay_out(image, tmp_path / image)
        assert (tmp_path / image / "dev").exists() == (image == "simulator")


def test_hadolint_has_nothing_to_say() -> None:
    """
    But for what the recipe answers in place.
    """
    done = subprocess.run([str(BIN / "hadolint"), "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_an_image_takes_wheels_whose_hash_is_known_and_nothing_else() -> None:
    """
    Nothing is compiled or run while it is installed.
    """
    (install,) = re.findall(r"pip [^&]*install [^&]*", DOCKERFILE.replace("\\\n", ""))
    assert {"--require-hashes", "--only-binary", ":all:", "--no-deps"} <= set(install.split())
    for image in IMAGES.values():
        text = (ROOT / image.lock).read_text()
        assert "://" not in text
        assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=[A-Za-z])", text.strip()))


def test_the_last_stage_starts_from_nothing_as_nobody() -> None:
    """
    What was removed is in no layer, and the user is a number, which Kubernetes can tell from root's.
    """
    last = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    assert last.startswith("\nFROM scratch\n")
    assert re.findall(r"^USER (.*)$", last, re.MULTILINE) == ["65532:65532"]
    assert not re.search(r"^\s*RUN\b", last, re.MULTILINE)
    assert "pip" in DOCKERFILE[DOCKERFILE.index("AS trimmed") :]


async def test_the_health_check_is_the_readiness_of_the_ops_port() -> None:
    """
    Ready is healthy; not ready, or nobody there, is not.
    """
    state: dict[str, str | None] = {"wrong": None}

    async def check() -> str | None:
        return state["wrong"]

    port = free_port()
    argv = [sys.executable, "-I", "-S", str(ROOT / "deploy/image/health.py")]

    async def status() -> int:
        process = await asyncio.create_subprocess_exec(*argv, env={"TRUNKLINE_OPS__PORT": str(port)})
        return await process.wait()

    assert await status() == 1
    async with serving(ops_app({"it": check}), "127.0.0.1", port):
        assert await status() == 0
        assert await asyncio.to_thread(healthy, f"http://127.0.0.1:{port}/healthz")
        state["wrong"] = "down"
        assert await status() == 1
