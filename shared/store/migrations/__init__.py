"""Alembic migrations, each named expand or contract. `upgrade` brings a database to the newest."""

from pathlib import Path

from alembic import command
from alembic.config import Config


def config(database_url: str) -> Config:
    """Return Alembic's configuration for a database."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent))
    settings.attributes["database_url"] = database_url.replace("postgresql://", "postgresql+psycopg://", 1)
    return settings


def upgrade(database_url: str) -> None:
    """Bring the schema to the newest version."""
    command.upgrade(config(database_url), "head")
