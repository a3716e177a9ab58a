"""Who changed something last, by name, from the audit log."""

from dataclasses import dataclass
from datetime import datetime

from services.console.access import Principal
from services.console.records import Unknown
from shared.store.session import EVERY_TENANT, Store

_LAST = "select actor, at from audit where object = %s and action = any(%s) order by id desc limit 1"
_NAME = "select coalesce(nullif(name, ''), email) as name, role from app_user where id = %s"


@dataclass(frozen=True)
class Author:
    """`name`: None for who is not a person, or whom the asker may not know."""

    name: str | None
    at: datetime


async def last_author(store: Store, who: Principal, row: str, *actions: str) -> Author:
    """Return who did one of these to a row last, such as `line.changed`. Raises Unknown where nobody did."""
    async with store.connection(who.sees) as connection:
        deed = await (await connection.execute(_LAST, (row, list(actions)))).fetchone()
    if deed is None:
        raise Unknown
    return Author(await author(store, who, deed["actor"]), deed["at"])


async def author(store: Store, who: Principal, actor: str) -> str | None:
    """Return the name of whoever the audit log names; a company does not learn who the platform's admins are."""
    kind, _, user = actor.partition("/")
    if kind != "user":
        return None
    async with store.connection(EVERY_TENANT) as connection:
        row = await (await connection.execute(_NAME, (user,))).fetchone()
    if row is None or (row["role"] == "SYSTEM_ADMIN" and not who.is_platform):
        return None
    name: str = row["name"]
    return name
