"""
Alembic migrations, each named expand or contract.

Expanding ones run before a roll-out: the version before goes on working beside them. Contracting ones take away what only that
version needed, so they run after the roll-out, and only when asked for.
"""

from collections.abc import Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

_CONTRACT = "_contract"


def config(database_url: str) -> Config:
    """Return Alembic's configuration for a database."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent))
    settings.attributes["database_url"] = database_url.replace("postgresql://", "postgresql+psycopg://", 1)
    return settings


def upgrade(database_url: str, *, contract: bool = False) -> list[str]:
    """
    Run the migrations that the database has not seen, and return them: the expanding ones up to the first contracting one.

    `contract`: that one and what follows, too, once no process of the version before runs any more.
    """
    todo = due(pending(database_url), contract=contract)
    if todo:
        command.upgrade(config(database_url), todo[-1])
    return todo


def pending(database_url: str) -> list[str]:
    """Return the migrations that the database has not seen, in their order."""
    known = [step.revision for step in ScriptDirectory.from_config(config("")).walk_revisions()][::-1]
    engine = create_engine(config(database_url).attributes["database_url"])
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    engine.dispose()
    return known[known.index(current) + 1 :] if current is not None else known


def due(revisions: Sequence[str], *, contract: bool) -> list[str]:
    """Return which of the pending migrations may run now."""
    if contract:
        return list(revisions)
    first = next((n for n, revision in enumerate(revisions) if revision.endswith(_CONTRACT)), len(revisions))
    return list(revisions[:first])
