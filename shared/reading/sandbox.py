"""Reads a file in a process of its own, with limits and without our environment: a hostile one can only end that process."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass

import orjson

from shared.reading.passages import Passage

_READING = "shared.reading"
_PASSED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")
_LIMITED = frozenset({signal.SIGXCPU, signal.SIGKILL})


class ReadingFailed(Exception):
    """The process that reads did not work."""


@dataclass(frozen=True)
class Reading:
    """What a file holds. `kind`: the media type that it was found to be."""

    kind: str
    passages: tuple[Passage, ...] = ()
    failure: str | None = None


async def read(content: bytes, name: str, seconds: float = 90.0) -> Reading:
    """Read a file. Whatever is wrong with it is in `failure`. Raises ReadingFailed where the file is not to blame."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        _READING,
        name,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {"LC_ALL": "C.UTF-8"},
    )
    try:
        async with asyncio.timeout(seconds):
            told, _ = await process.communicate(content)
    except TimeoutError:
        return Reading("", failure="too_slow")
    finally:
        await _end(process)
    status = process.returncode or 0
    if status > 0:
        raise ReadingFailed(status)
    return _reading(told) if status == 0 else Reading("", failure="too_slow" if -status in _LIMITED else "damaged")


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _reading(told: bytes) -> Reading:
    found = orjson.loads(told)
    if "failure" in found:
        return Reading(found["kind"], failure=found["failure"])
    return Reading(found["kind"], tuple(Passage(**passage) for passage in found["passages"]))
