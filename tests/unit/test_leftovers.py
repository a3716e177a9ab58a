"""What killed runs of tests leave behind is removed by the next run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.leftovers import sweep


@pytest.fixture
def dead() -> int:
    """The number of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", ""])
    child.wait()
    return child.pid


def run(root: Path, name: str, noted: str | None) -> Path:
    folder = root / name
    folder.mkdir()
    (folder / "data").write_bytes(b"x")
    if noted is not None:
        (folder / ".lock").write_text(noted)
    return folder


def test_what_a_killed_run_left_is_removed(tmp_path: Path, dead: int) -> None:
    """
    With all that is in it.
    """
    left = run(tmp_path, "pytest-1", str(dead))
    sweep(tmp_path)
    assert not left.exists()


@pytest.mark.parametrize("noted", ["ours", "", None])
def test_what_a_run_still_needs_stays(tmp_path: Path, noted: str | None) -> None:
    """
    It lives, or has just begun and not written its number; one that ended in order keeps what failed, for people to read.
    """
    needed = run(tmp_path, "pytest-2", str(os.getpid()) if noted == "ours" else noted)
    sweep(tmp_path)
    assert (needed / "data").exists()


def test_runs_of_other_people_and_other_things_stay(tmp_path: Path, dead: int) -> None:
    """
    Only what pytest numbered is looked at.
    """
    other = run(tmp_path, "trunkline", str(dead))
    sweep(tmp_path)
    assert other.exists()
