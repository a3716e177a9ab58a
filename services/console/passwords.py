"""Passwords: which are good enough, and how they are kept (safety.md, section 2, row "Admin console")."""

import asyncio
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

AT_LEAST = 12
AT_MOST = 200
_COMMON = Path(__file__).with_name("common_passwords.txt")
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_AT_ONCE = asyncio.Semaphore(2)
"""Each takes 19 MiB and a core: a flood of sign-ins waits."""


class TooShort(Exception):
    """It has fewer signs than `AT_LEAST`, or more than `AT_MOST`."""


class TooCommon(Exception):
    """It is what everybody tries first."""


def check(password: str) -> None:
    """Raises TooShort, TooCommon."""
    if not AT_LEAST <= len(password) <= AT_MOST:
        raise TooShort
    plain = password.casefold()
    if plain in _common() or plain.rstrip("0123456789!.?") in _common() or len(set(plain)) <= AT_LEAST // 3:
        raise TooCommon


async def hashed(password: str) -> str:
    """Return what is kept of a password."""
    async with _AT_ONCE:
        return await asyncio.to_thread(_HASHER.hash, password)


async def fits(password: str, kept: str | None) -> bool:
    """Tell whether a password is the one that was kept. It takes as long where none was kept."""
    async with _AT_ONCE:
        return await asyncio.to_thread(_fits, password, kept or _nobodys()) and kept is not None


def _fits(password: str, kept: str) -> bool:
    try:
        return _HASHER.verify(kept, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    return _HASHER.hash("the password of nobody")


@cache
def _common() -> frozenset[str]:
    return frozenset(_COMMON.read_text(encoding="utf-8").split("\n"))
