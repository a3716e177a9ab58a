"""Whom the others take for dead, on a Postgres that is started and killed for it."""

from pathlib import Path

import psycopg

from dev.embedded import postgres_server
from shared.store.presence import OWNER_IS_DEAD, presence
from tests.eventually import eventually

_DEAD = f"select {OWNER_IS_DEAD.format(column='%s::bigint')}"
_DEAD_TOO_SOON = f"{_DEAD} and pg_postmaster_start_time() >= now() - interval '5 s'"
_HELD = "select 1 from pg_locks where locktype = 'advisory' and granted"


async def test_after_a_restart_of_postgres_the_living_are_not_taken_for_dead(tmp_path: Path) -> None:
    """
    A server that has just come back knows no lock: for 5 s nobody is dead, and by then a living process holds its own again.
    """
    with postgres_server(tmp_path / "postgres") as server:
        async with presence(server.url) as owner:

            async def ask(query: str, *values: int) -> object:
                async with await psycopg.AsyncConnection.connect(server.url, autocommit=True) as connection:
                    row = await (await connection.execute(query, values)).fetchone()
                    return row and row[0]

            async def held() -> bool:
                return await ask(_HELD) == 1

            async def dead(number: int) -> bool:
                return await ask(_DEAD, number) is True

            await eventually(held)
            server.kill()
            server.start()
            assert await ask(_DEAD_TOO_SOON, owner + 1) is False
            await eventually(held)
            await eventually(lambda: dead(owner + 1))
            assert not await dead(owner)
        await eventually(lambda: dead(owner))
