"""`/v1/leads`: the people who wrote to an open line, once for each agent."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import StreamingResponse
from psycopg.rows import DictRow
from pydantic import BaseModel

from services.console.api import contacts
from services.console.api.contacts import Contact
from services.console.api.fields import OneTenant, id_pattern, span, whose
from services.console.api.paging import Listing, Paged, Resource
from services.console.api.routes import Asking, Route, may
from services.console.records import Unknown
from services.console.scan import Conditions, Mark, Scan, Slice, existing, owner
from services.console.spreadsheet import csv_line
from shared.ids import TenantId
from shared.store.session import Store
from shared.vault import Vault

LEADS = Scan(
    "lead",
    ("first_seen", "contact_id", "agent_id"),
    f"""
    lead.agent_id || '.' || lead.contact_id as id, lead.tenant_id as tenant, lead.agent_id, lead.agent_id as agent,
    lead.contact_id, platform, source, messages, first_seen, last_seen, {contacts.SHOWN}
    """,
    "join tenant on tenant.id = lead.tenant_id join contact on contact.id = lead.contact_id",
)
_FACTS = ("id", "tenant", "agent", "platform", "source", "messages", "first_seen", "last_seen")
_CSV = (
    *("lead", "contact", "number", "name", "platform", "agent", "messages", "first_seen", "last_seen"),
    *("source_kind", "source_id", "source_headline", "source_url"),
)
_BATCH = 500

Id = Annotated[str, Path(pattern=r"^ag_[0-9a-z]{1,40}\.ct_[0-9a-z]{1,40}$")]
Moment = datetime | None


class Source(BaseModel):
    """The advertisement or post that somebody came by, as the channel's provider tells it. `kind`: such as `ad`."""

    kind: str = ""
    id: str = ""
    headline: str = ""
    url: str = ""


class Lead(Resource):
    """A person who wrote to an agent. `messages`: how many were let in. `source`: what led them here first, where it is known."""

    tenant: str
    agent: str
    contact: Contact
    platform: str
    source: Source | None
    messages: int
    first_seen: datetime
    last_seen: datetime


class CsvResponse(StreamingResponse):
    """A table, line by line."""

    media_type = "text/csv"


@dataclass(frozen=True)
class Wanted:
    """Which leads. `within`: by index. `which`: of those."""

    within: Conditions
    which: Conditions


def _wanted(
    *,
    agent: Annotated[str | None, Query(pattern=id_pattern("ag"), description="Only this agent's.")] = None,
    platform: Annotated[str | None, Query(pattern=r"^[a-z]{1,20}$", description="Such as whatsapp.")] = None,
    first_since: Annotated[Moment, Query(alias="first_seen[gte]", description="Came then or later.")] = None,
    first_until: Annotated[Moment, Query(alias="first_seen[lt]", description="Came before then.")] = None,
    last_since: Annotated[Moment, Query(alias="last_seen[gte]", description="Wrote then or later.")] = None,
    last_until: Annotated[Moment, Query(alias="last_seen[lt]", description="Last wrote before then.")] = None,
) -> Wanted:
    first, last = span(first_since, first_until), span(last_since, last_until)
    which = {"lead.agent_id = %s": agent, "platform = %s": platform, **last.within("last_seen")}
    return Wanted(first.within("first_seen"), which)


Filters = Annotated[Wanted, Depends(_wanted)]


@dataclass(frozen=True)
class Leads:
    """Reads them."""

    store: Store
    vault: Vault

    async def read(self, tenant: TenantId, wanted: Wanted, after: Mark | None, most: int) -> Slice:
        """Return leads, the newest first."""
        within = {"tenant_id = %s": tenant, **wanted.within}
        async with self.store.transaction(tenant) as connection:
            return await LEADS.read(connection, within, wanted.which, after, most)

    async def one(self, tenant: TenantId, agent: str, contact: str) -> DictRow:
        """Return one. Raises Unknown."""
        async with self.store.connection(tenant) as connection:
            return await LEADS.one(connection, {"lead.agent_id = %s": agent, "lead.contact_id = %s": contact})

    def shown(self, row: DictRow) -> Lead:
        """Return a row as the API shows it."""
        contact = contacts.contact(self.vault, row)
        if contact is None:
            raise Unknown
        return Lead(**{name: row[name] for name in _FACTS}, contact=contact)

    async def as_csv(self, tenant: TenantId, wanted: Wanted) -> AsyncIterator[str]:
        """Return all of them as CSV, a batch at a time: no transaction lasts longer than its batch."""
        yield csv_line(_CSV)
        after: Mark | None = None
        while True:
            found = await self.read(tenant, wanted, after, _BATCH)
            yield "".join(csv_line(_cells(self.shown(row))) for row in found.rows)
            if (after := found.edge) is None:
                return


def leads(found: Leads) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/leads", tags=["leads"], route_class=Route)

    @router.get("", **may("leads:read"))
    async def list_leads(who: Asking, page: Paged, wanted: Filters, tenant: OneTenant = None) -> Listing[Lead]:
        theirs = await existing(found.store, who, whose(who, tenant))
        part = await found.read(theirs, wanted, page.mark, page.limit + 1)
        rows, mark = part.page(page.limit, LEADS.order)
        return page.until([found.shown(row) for row in rows], mark)

    @router.get(
        "/exports",
        response_class=CsvResponse,
        responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
        **may("leads:read"),
    )
    async def export_leads(who: Asking, wanted: Filters, tenant: OneTenant = None) -> CsvResponse:
        theirs = await existing(found.store, who, whose(who, tenant))
        return CsvResponse(
            found.as_csv(theirs, wanted), headers={"Content-Disposition": 'attachment; filename="leads.csv"'}
        )

    @router.get("/{lead}", **may("leads:read"))
    async def get_lead(who: Asking, lead: Id) -> Lead:
        agent, _, contact = lead.partition(".")
        tenant = await owner(found.store, who, "lead", {"agent_id = %s": agent, "contact_id = %s": contact})
        return found.shown(await found.one(tenant, agent, contact))

    return router


def _cells(lead: Lead) -> list[Any]:
    who = lead.contact
    times = (lead.first_seen.isoformat(), lead.last_seen.isoformat())
    source = lead.source or Source()
    came_by = (source.kind, source.id, source.headline, source.url)
    return [lead.id, who.handle, who.number, who.name, lead.platform, lead.agent, lead.messages, *times, *came_by]
