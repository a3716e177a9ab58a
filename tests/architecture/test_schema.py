"""The database's schema."""

import asyncio
import secrets

import psycopg
from alembic import command
from alembic.script import ScriptDirectory
from psycopg.rows import dict_row

from dev.embedded import PostgresServer
from shared.store.migrations import config, due, pending, upgrade
from tests.eventually import eventually


def test_a_migrated_schema_is_the_one_that_the_tables_describe(database_url: str) -> None:
    """
    Nothing is left for a migration to do.
    """
    command.check(config(database_url))


def test_contracting_migrations_wait_until_they_are_asked_for() -> None:
    """
    They take away what the version before still needs; what comes after them waits with them.
    """
    steps = ["0007_expand", "0008_contract", "0009_expand"]
    assert due(steps, contract=False) == ["0007_expand"]
    assert due(steps, contract=True) == steps
    assert due([], contract=True) == []


def test_a_migration_runs_once_and_says_whether_it_expands_or_contracts(postgres: PostgresServer) -> None:
    """
    Their order is that of their numbers.
    """
    url = postgres.create_database(f"test_{secrets.token_hex(6)}")
    every = pending(url)
    assert every == sorted(every)
    assert all(step.endswith(("_expand", "_contract")) for step in every)
    assert upgrade(url, contract=True) == every
    assert upgrade(url, contract=True) == pending(url) == []
    postgres.drop_database(url.rpartition("/")[2])


async def test_a_table_in_use_is_tried_again(postgres: PostgresServer) -> None:
    """
    Whoever waits for a table holds up everybody behind them, so a migration waits a second and begins anew.
    """
    url = postgres.create_database(f"test_{secrets.token_hex(6)}")
    first, last = pending(url)[0], pending(url)[-1]
    await asyncio.to_thread(command.upgrade, config(url), first)
    with psycopg.connect(url) as somebody, psycopg.connect(url, autocommit=True) as watcher:

        async def is_waiting() -> bool:
            waits = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            return watcher.execute(waits).rowcount > 0

        async def has_given_way() -> bool:
            return not await is_waiting()

        somebody.execute("lock table alembic_version in share mode")
        migrating = asyncio.create_task(asyncio.to_thread(upgrade, url, contract=True))
        await eventually(is_waiting)
        await eventually(has_given_way)
        somebody.rollback()
        assert (await migrating)[-1] == last
    assert pending(url) == []
    postgres.drop_database(url.rpartition("/")[2])


def test_an_expanding_migration_leaves_everything_as_the_version_before_knows_it(postgres: PostgresServer) -> None:
    """
    During a roll-out the code of the version before runs on the new schema: all that it reads is still there, of the same
    kind, and it may go on writing rows without what is new.
    """
    versions = [*reversed([*ScriptDirectory.from_config(config("")).walk_revisions()])]
    url = postgres.create_database(f"test_{secrets.token_hex(6)}")
    before = _columns(url)
    for version in versions:
        command.upgrade(config(url), version.revision)
        after = _columns(url)
        if version.revision.endswith("_expand"):
            _assert_still_good(before, after)
        before = after
    postgres.drop_database(url.rpartition("/")[2])


Columns = dict[tuple[str, str], dict[str, str | None]]


def _columns(url: str) -> Columns:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        rows = connection.execute(
            """
            select table_name, column_name, data_type, is_nullable, column_default, is_identity
            from information_schema.columns join information_schema.tables using (table_schema, table_name)
            where table_schema = 'public' and table_type = 'BASE TABLE'
            """
        ).fetchall()
    return {(row["table_name"], row["column_name"]): row for row in rows}


def _assert_still_good(before: Columns, after: Columns) -> None:
    tables = {table for table, _ in before}
    for place, was in before.items():
        now = after.get(place)
        assert now is not None, f"{place} is gone"
        assert now["data_type"] == was["data_type"], f"{place} is of another kind"
        assert now["is_nullable"] == "YES" or was["is_nullable"] == "NO", f"{place} must be written now"
    for table, column in after.keys() - before.keys():
        new = after[table, column]
        optional = new["is_nullable"] == "YES" or new["column_default"] or new["is_identity"] == "YES"
        assert table not in tables or optional, f"{table}.{column} must be written, and nobody knows of it yet"
