"""System: what runs, in which version, what waits, and whether everything is ready. The platform's alone."""

import platform
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.api.routes import may
from services.console.pages.routes import Page
from services.console.pages.view import Looking
from services.console.readiness import Readiness
from shared.bus import Bus, BusUnavailable, Queue
from shared.store import session
from shared.store.session import EVERY_TENANT, Store

_CLOCKS_DIFFER = 2.0
_MOST = 10_000
_FACTS = "select current_setting('server_version') as postgres, (select version_num from alembic_version) as migration"
_QUEUES = f"""
select (select count(*) from (select from thread where done_seq < asked_seq limit {_MOST}) as it) as asked,
       (select count(*) from (select from thread where send_at is not null limit {_MOST}) as it) as sending,
       (select count(*) from (select from part where state = 'unknown' limit {_MOST}) as it) as unknown,
       (select count(*) from (select from part where state = 'parked' limit {_MOST}) as it) as parked,
       (select count(*) from (select from dead_letter where state = 'waiting' limit {_MOST}) as it) as letters
"""  # noqa: S608 - constants


def system(store: Store, readiness: Readiness, bus: Bus, version: str) -> APIRouter:
    """Return the page."""
    router = APIRouter(route_class=Page)

    @router.get("/system", **may("settings:read", platform=True))
    async def page(view: Looking) -> Response:
        async with store.connection(EVERY_TENANT) as connection:
            facts = await (await connection.execute(_FACTS)).fetchone()
            queues = await (await connection.execute(_QUEUES)).fetchone()
        ahead = await readiness.clock_ahead()
        return view.page(
            "system.html",
            states=await readiness.states(),
            streams=await _streams(bus),
            version=version,
            facts=facts,
            newest=newest_migration(),
            queues=queues,
            most=_MOST,
            python=platform.python_version(),
            ahead=ahead,
            clocks_differ=ahead is not None and abs(ahead) > _CLOCKS_DIFFER,
        )

    return router


async def _streams(bus: Bus) -> list[Queue] | None:
    """Return how NATS' streams do; None where it does not answer."""
    try:
        return await bus.queues()
    except BusUnavailable:
        return None


def newest_migration() -> str:
    """Return the newest migration that this version brings: `NNNN_expand` of `NNNN_expand_….py`."""
    files = sorted((Path(session.__file__).parent / "migrations" / "versions").glob("[0-9]*.py"))
    return "_".join(files[-1].stem.split("_")[:2])
