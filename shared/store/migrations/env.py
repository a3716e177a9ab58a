"""Runs migrations: one connection, a lock time-out, one transaction each."""

from alembic import context
from sqlalchemy import NullPool, create_engine, text
from sqlmodel import SQLModel

import shared.store.tables  # noqa: F401 - registers the tables

_LOCK_LIMIT = "1s"

engine = create_engine(context.config.attributes["database_url"], poolclass=NullPool)
with engine.connect() as connection:
    connection.execute(text(f"set lock_timeout = '{_LOCK_LIMIT}'"))
    connection.commit()
    context.configure(connection=connection, target_metadata=SQLModel.metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
