"""
Alembic migrations, each named expand or contract.

Expanding ones run before a roll-out: the version before goes on working beside them. Contracting ones take away what only that
version needed, so they run after the roll-out, and only when asked for.
"""

import time
from collections.abc import Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import LockNotAvailable
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

_CONTRACT = "_contract"
_PATIENCE, _PAUSE = 120.0, 1.0
"""Seconds for which a table in use is tried again, and between two tries."""


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

    A table that is in use is waited for in turns of a second, since everybody else waits behind who waits for a table; for two
    minutes in all. Raises OperationalError.
    """
    todo = due(pending(database_url), contract=contract)
    until = time.monotonic() + _PATIENCE
    while todo and not _run(database_url, todo[-1], is_last_try=time.monotonic() >= until):
        time.sleep(_PAUSE)
    return todo


def _run(database_url: str, last: str, *, is_last_try: bool) -> bool:
    """Run what is left up to a migration; False where a table was in use all the time, so that it is to be tried again."""
    try:
        command.upgrade(config(database_url), last)
    except OperationalError as error:
        if is_last_try or not isinstance(error.orig, LockNotAvailable):
            raise
        return False
    return True


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
