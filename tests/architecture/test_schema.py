"""The database's schema."""

from alembic import command

from shared.store.migrations import config


def test_a_migrated_schema_is_the_one_that_the_tables_describe(database_url: str) -> None:
    """
    Nothing is left for a migration to do.
    """
    command.check(config(database_url))
