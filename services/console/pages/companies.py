"""Whose things a page shows: the platform's admin chooses a company, everybody else has their own."""

from psycopg.rows import DictRow

from services.console.pages.view import View
from services.console.records import CANARIES
from shared.store.session import EVERY_TENANT, Store

_MOST = 500


async def companies(store: Store, view: View) -> list[DictRow]:
    """Return the companies to choose from, by name; none where there is no choice."""
    if not view.who.is_platform:
        return []
    async with store.connection(EVERY_TENANT) as connection:
        cursor = await connection.execute(
            "select id, name from tenant where id <> %s order by lower(name), id limit %s", (CANARIES, _MOST)
        )
        return await cursor.fetchall()
