"""The command surface on machines where something is missing: one line says what, and what to do."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from dev.stack.home import REPOSITORY

_TARGETS = (
    "help",
    "up",
    "down",
    "reset",
    "logs",
    "test",
    "chaos",
    "containers",
    "upgrade",
    "scaling",
    "bench",
    "check",
    "docs",
    "assets",
    "fmt",
    "lock",
    "env",
    "images",
    "sbom",
    "audit",
    "clean",
)


def _with_only(tmp_path: Path, script: str, *tools: str, **fakes: str) -> subprocess.CompletedProcess[str]:
    """Run a script where only these tools exist, and these fakes, each given by its body."""
    for tool in tools:
        (tmp_path / tool).symlink_to(shutil.which(tool) or tool)
    for name, body in fakes.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    return subprocess.run(
        [shutil.which("sh") or "sh", str(REPOSITORY / "dev" / script), str(tmp_path / "venv"), "requirements-dev.txt"],
        cwd=REPOSITORY,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )


def test_make_alone_prints_every_target() -> None:
    """
    The help comes from the comments beside the targets.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    answer = subprocess.run(
        ["make"], cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=True, timeout=20
    )
    assert [line.split()[1] for line in answer.stdout.splitlines()] == list(_TARGETS)


@pytest.mark.parametrize("fakes", [{}, {"python3": "exit 1"}], ids=["none", "too old"])
def test_without_a_suitable_python_one_line_says_which(tmp_path: Path, fakes: dict[str, str]) -> None:
    """
    No Python at all and one below 3.11 are the same to us.
    """
    answer = _with_only(tmp_path, "venv.sh", **fakes)
    assert answer.returncode == 1
    assert answer.stderr.startswith("Python 3.11 or later is needed.")
    assert len(answer.stderr.splitlines()) == 1


def test_without_venv_one_line_says_what_to_install(tmp_path: Path) -> None:
    """
    Debian splits ensurepip off; the line names its package for this very version.
    """
    body = 'case "$2" in *ensurepip*) exit 1 ;; *print*) echo python3.11-venv ;; esac'
    answer = _with_only(tmp_path, "venv.sh", python3=body)
    assert answer.returncode == 1
    assert answer.stderr == "python3-venv is missing. Install it: apt-get install python3.11-venv\n"


def test_without_a_browser_and_the_means_to_install_it_one_line_says_so(tmp_path: Path) -> None:
    """
    Nothing is skipped: the tests that need it could not prove anything.
    """
    answer = _with_only(tmp_path, "browser.sh", "id")
    assert answer.returncode == 1
    assert "apt-get install chromium" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize("browser", ["chromium-headless-shell", "chromium"])
def test_a_browser_that_is_there_is_enough(tmp_path: Path, browser: str) -> None:
    """
    Nothing is installed or printed then; the whole browser does where its lighter shell cannot be installed.
    """
    answer = _with_only(tmp_path, "browser.sh", "id", **{browser: "exit 0"})
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


@pytest.mark.parametrize(("there", "status"), [({"chromium": "exit 0"}, 0), ({}, 100)], ids=["a browser", "none"])
def test_without_packages_to_install_the_whole_browser_does(tmp_path: Path, there: dict[str, str], status: int) -> None:
    """
    Where not even that is there, the failure is the package manager's.
    """
    fakes = {"id": "echo 0", "apt-get": "exit 100", **there}
    answer = _with_only(tmp_path, "browser.sh", **fakes)
    assert answer.returncode == status
