"""What the console measures for all: dead letters that wait, and how old the accounts' tokens are."""

from collections.abc import Awaitable, Callable

from shared.metrics import DEAD_LETTERS, TOKEN_AGE
from shared.store.session import EVERY_TENANT, Store

_STAGES = ("router", "agent", "egress", "status")
_LETTERS = "select stage, count(*) as waiting from dead_letter where state = 'waiting' group by stage"
_AGE = "select coalesce(extract(epoch from now() - min(set_at)), 0)::float8 as age from credential"


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
