"""
Proof of life: each process holds one session-level advisory lock, whose connection dies with it.

A claim tests the owner of a lease with `OWNER_IS_DEAD`, so that the work of a killed process is taken over at once and
the lease itself is only the backstop for one that is paused.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from shared.process import end_all
from shared.telemetry import PRESENCE_LOST, log

OWNER_IS_DEAD = "(pg_postmaster_start_time() < now() - interval '5 s' and pg_try_advisory_xact_lock_shared({column}))"
"""A server that has just started knows nobody's lock: the living get the time to take theirs again."""

_RETRY = 0.5
_BEAT = 2.0


@asynccontextmanager
async def presence(url: str) -> AsyncIterator[int]:
    """Hold this process's lock for the length of the block and yield its owner number, new for each process."""
    owner = secrets.randbits(62) + 1
    keeper = asyncio.create_task(_keep(url, owner))
    try:
        yield owner
    finally:
        await end_all([keeper])


async def _keep(url: str, owner: int) -> None:
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                url, autocommit=True, connect_timeout=3, application_name="trunkline-presence"
            ) as connection:
                await connection.execute("select pg_advisory_lock(%s)", (owner,))
                while True:
                    async for _ in connection.notifies(
                        timeout=_BEAT
                    ):  # there are none; a broken connection raises at once
                        pass
                    await connection.execute("select 1")
        except psycopg.Error as error:
            log.warning(PRESENCE_LOST, reason=type(error).__name__)
            await asyncio.sleep(_RETRY)
