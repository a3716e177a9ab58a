"""
One of many in a form: a list of all where they are few, else the chosen one and the way to a page that finds another.

That page is for one of the pages that are named here and leads back to it. What else was asked for there stays, but for what
was the own of whoever was chosen before.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter
from fastapi.responses import Response
from psycopg.rows import DictRow

from services.console.api.routes import may
from services.console.pages.navigation import _
from services.console.pages.paging import ROWS, paged, place
from services.console.pages.routes import Page
from services.console.pages.view import Looking, View
from services.console.records import CANARIES, Unknown
from services.console.scan import existing
from shared.ids import TenantId
from shared.store.session import EVERY_TENANT, Store

FEW = 40
"""So many are a list; more would take long to look through, and weigh."""

_LONGEST = 100
_MOST_ASKED = 50
_OF_LIST = frozenset({"cursor", "seen", "done"})
"""What an address says of how far a list was looked through."""

_COMPANIES = "select id, name, name as texts, id as told, created_at from tenant"
_USERS = """
select id, coalesce(nullif(name, ''), email) as name, concat_ws(' ', name, email) as texts, email as told, created_at
from app_user where tenant_id = %(tenant)s
"""
_FEW = """
select id, name from (
  (select id, name from ({offered}) as few limit %(most)s) union (select id, name from ({known}) as one where id = %(chosen)s)
) as listed order by lower(name), id
"""
_FOUND = """
select * from (
  select *, lower(name collate "C") as spelt from ({offered}) as offered
  where %(words)s = '' or strpos(lower(texts), lower(%(words)s)) > 0
) as found where (spelt, id) > (%(spelt)s, %(id)s) order by spelt, id limit %(most)s
"""
"""
By name, of those in whose texts the words stand, letter by letter: what is a wildcard elsewhere is none here.

The order knows A to Z in any case; to know every letter would cost four times as much, for each row.
"""


class Asker(NamedTuple):
    """A page that asks for one. `none`: what having chosen none is called there; None where one always is chosen."""

    title: str
    none: str | None = None


class Among(NamedTuple):
    """
    What is chosen from. `field`: what pages call it; `path`: where one is found; `askers`: the pages that ask, by their paths.

    `known`: SQL, all with their names and texts; `offered`: those who can be chosen. `own`: what pages ask for that belongs to
    whoever was chosen.
    """

    path: str
    field: str
    title: str
    told: str
    searched: str
    askers: Mapping[str, Asker]
    known: str
    offered: str
    own: frozenset[str] = frozenset()


COMPANIES = Among(
    "/choices/companies",
    "tenant",
    _("Choose a company"),
    _("ID"),
    _("Name"),
    {
        "/monitoring": Asker(_("Monitoring")),
        "/messages": Asker(_("Messages")),
        "/history": Asker(_("Chat history")),
        "/bindings": Asker(_("Bindings")),
        "/leads": Asker(_("Leads")),
        "/users": Asker(_("Users")),
        "/channels": Asker(_("Channels")),
        "/channels/new": Asker(_("New channel")),
        "/agents": Asker(_("Agents")),
        "/knowledge": Asker(_("Knowledge")),
        "/pipelines": Asker(_("Pipelines")),
        "/tools": Asker(_("Tools")),
        "/audit": Asker(_("Audit"), _("any")),
        "/api-keys/new": Asker(_("New key"), _("the platform: sees every company")),
    },
    _COMPANIES,
    f"{_COMPANIES} where id <> %(canaries)s",
    frozenset({"user", "agent", "contact", "provider_sid", "object"}),
)
USERS = Among(
    "/choices/users",
    "user",
    _("Choose a user"),
    _("E-mail address"),
    _("Name or e-mail address"),
    {"/bindings": Asker(_("Bindings"), _("any")), "/history": Asker(_("Chat history"), _("any"))},
    _USERS,
    _USERS,
)


@dataclass(frozen=True)
class Choice:
    """
    A field of a form. `offered`: names by ids, of all where they are few, else of the chosen one alone.

    `elsewhere`: where another is chosen; None where all are offered. `at`: the page that asks.
    """

    field: str
    at: str
    none: str | None
    chosen: str | None
    offered: Mapping[str, str]
    elsewhere: str | None


class Found(NamedTuple):
    """One that can be chosen. `path`: the page that asked, with this one."""

    row: DictRow
    path: str


async def companies(store: Store, view: View, at: str, chosen: str | None) -> Choice | None:
    """Return the field for a company; None for who has no choice."""
    if not view.who.is_platform:
        return None
    return await _choice(store, view, COMPANIES, at, chosen)


async def users(store: Store, view: View, at: str, tenant: TenantId, chosen: str | None) -> Choice | None:
    """Return the field for a user of a company; None where it has none."""
    return await _choice(store, view, USERS, at, chosen, tenant=tenant)


async def company_names(store: Store, view: View, ids: Iterable[str | None]) -> dict[str, str]:
    """Return what these companies are called, for who sees more than one."""
    if not view.who.is_platform:
        return {}
    async with store.connection(EVERY_TENANT) as connection:
        cursor = await connection.execute(
            "select id, name from tenant where id = any(%s)", ([*{it for it in ids if it}],)
        )
        return {row["id"]: row["name"] for row in await cursor.fetchall()}


def choices(store: Store) -> APIRouter:
    """Return the pages."""
    router = APIRouter(route_class=Page)

    @router.get("/choices/companies", **may("tenants:read", platform=True))
    async def company_choice(view: Looking) -> Response:
        return await _page(store, view, COMPANIES, None)

    @router.get("/choices/users", **may("users:read"))
    async def user_choice(view: Looking) -> Response:
        tenant = view.company(view.request.query_params.get("tenant"))
        return await _page(store, view, USERS, await existing(store, view.who, tenant))

    return router


async def _choice(
    store: Store, view: View, among: Among, at: str, chosen: str | None, *, tenant: TenantId | None = None
) -> Choice | None:
    values = {"canaries": CANARIES, "tenant": tenant, "chosen": chosen, "most": FEW + 1}
    async with store.connection(tenant or EVERY_TENANT) as connection:
        rows = await (await connection.execute(_FEW.format(**among._asdict()), values)).fetchall()
    if not rows:
        return None
    offered = {row["id"]: row["name"] for row in rows}
    elsewhere = None
    if len(offered) > FEW:
        offered = {it: name for it, name in offered.items() if it == chosen}
        asked = {name: it for name, it in view.request.query_params.items() if name not in _OF_LIST}
        elsewhere = _address(among.path, {"for": _address(at, asked), "tenant": tenant})
    return Choice(among.field, at, among.askers[at].none, chosen, offered, elsewhere)


async def _page(store: Store, view: View, among: Among, tenant: TenantId | None) -> Response:
    """Answer with who fits the words, by name. `tenant`: within which company."""
    at, asked = _asker(among, view.request.query_params.get("for", ""))
    words = view.request.query_params.get("q", "").strip()[:_LONGEST]
    spelt, behind = place(view) or ("", "")
    values = {"canaries": CANARIES, "tenant": tenant, "words": words, "spelt": spelt, "id": behind, "most": ROWS + 1}
    async with store.connection(tenant or EVERY_TENANT) as connection:
        rows = await (await connection.execute(_FOUND.format(**among._asdict()), values)).fetchall()
    kept = {name: it for name, it in asked.items() if name not in among.own | {among.field}}

    def path(chosen: str | None) -> str:
        return _address(at, {**kept, "tenant": tenant, among.field: chosen})

    more = [rows[ROWS - 1]["spelt"], rows[ROWS - 1]["id"]] if len(rows) > ROWS else None
    return view.page(
        "choice.html",
        among=among,
        tenant=tenant,
        asker=among.askers[at],
        back=_address(at, asked),
        list=paged(view, [Found(row, path(row["id"])) for row in rows[:ROWS]], more),
        chosen=asked.get(among.field),
        nobody=path(None),
        words=words,
    )


def _asker(among: Among, wanted: str) -> tuple[str, dict[str, str]]:
    """Return the page that asks, and what else is asked for there. Raises Unknown for any that is not named as one."""
    at, _mark, query = wanted.partition("?")
    if at not in among.askers:
        raise Unknown
    try:
        asked = parse_qsl(query, max_num_fields=_MOST_ASKED)
    except ValueError:
        raise Unknown from None
    return at, {name: it for name, it in asked if name not in _OF_LIST}


def _address(path: str, query: Mapping[str, str | None]) -> str:
    given = {name: it for name, it in query.items() if it}
    return path + (f"?{urlencode(given)}" if given else "")
