"""What the console measures for all: dead letters that wait, how old the accounts' tokens are, when certificates end."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

from shared.certificates import certificate, postgres, shown_until, trusted_until
from shared.metrics import DEAD_LETTERS, TOKEN_AGE
from shared.store.session import EVERY_TENANT, Store

_STAGES = ("router", "agent", "egress", "status")
_LETTERS = "select stage, count(*) as waiting from dead_letter where state = 'waiting' group by stage"
_AGE = "select coalesce(extract(epoch from now() - min(set_at)), 0)::float8 as age from credential"
_HTTPS_PORT, _POSTGRES_PORT = 443, 5432
_OVER_TLS = {"require", "verify-ca", "verify-full"}


def certificates(database_url: str, webhook_url: str) -> Iterator[Callable[[], Awaitable[None]]]:
    """
    Yield what looks at certificates: Postgres' authority and own one, and the one that Twilio is shown.

    Where TLS is not asked for, or the authorities are the system's, there is nothing to look at.
    """
    database = conninfo_to_dict(database_url)
    host, port = str(database.get("host", "")), int(database.get("port") or _POSTGRES_PORT)
    if database.get("sslmode") in _OVER_TLS:
        yield certificate("postgres-server", partial(shown_until, host, port, postgres))
    if (authority := str(database.get("sslrootcert", ""))) not in {"", "system"}:
        yield certificate("postgres", partial(trusted_until, authority))
    webhook = urlsplit(webhook_url)
    if webhook.scheme == "https":
        yield certificate("webhook", partial(shown_until, webhook.hostname or "", webhook.port or _HTTPS_PORT))


def housekeeping(store: Store) -> Callable[[], Awaitable[None]]:
    """Return what measures it."""

    async def measure() -> None:
        async with store.connection(EVERY_TENANT) as connection:
            letters = await (await connection.execute(_LETTERS)).fetchall()
            token = await (await connection.execute(_AGE)).fetchone()
        counted = dict.fromkeys(_STAGES, 0) | {row["stage"]: row["waiting"] for row in letters}
        for stage, number in counted.items():
            DEAD_LETTERS.labels(stage).set(number)
        TOKEN_AGE.set(token["age"] if token else 0)

    return measure
