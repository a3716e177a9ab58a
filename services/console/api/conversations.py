"""`/v1/conversations`: exchanges with people, and what was said in them."""

from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query
from psycopg.rows import DictRow
from pydantic import BaseModel, Field

from services.console.api import contacts
from services.console.api.contacts import Contact
from services.console.api.fields import OneChannel, OneTenant, id_in_path, id_pattern, span, whose
from services.console.api.paging import Listing, Paged, Resource
from services.console.api.routes import Asking, Route, may
from services.console.api.texts import Withheld, opened
from services.console.api.traces import trace_id
from services.console.conversations import MOST_COUNTED, Conversations
from services.console.scan import Scan, existing, owner
from shared.addresses import WHATSAPP
from shared.ids import TenantId
from shared.media.contents import with_contents
from shared.media.kept import kept
from shared.store.sealed import MESSAGE_TEXT, REPLY_BODY
from shared.store.session import Store
from shared.vault import Vault

_CONVERSATIONS = Scan(
    "conversation",
    ("opened_at", "id"),
    f"""
    conversation.id, conversation.tenant_id as tenant, conversation.agent_id as agent, conversation.line_id as line,
    conversation.user_id as user, conversation.channel, opened_at, closed_at, handed_off_at, line.provider, history, spoken.*,
    {contacts.SHOWN}
    """,
    f"""
    join tenant on tenant.id = conversation.tenant_id join contact on contact.id = conversation.contact_id
    left join line on line.id = conversation.line_id
    left join lateral (
      select count(*) as messages, max(received_at) as last_message_at from (
        select received_at from message where conversation_id = conversation.id order by seq desc limit {MOST_COUNTED}
      ) as newest
    ) as spoken on true
    """,  # noqa: S608 - constants
)
_FACTS = (
    "id",
    "tenant",
    "agent",
    "line",
    "user",
    "channel",
    "messages",
    "last_message_at",
    "opened_at",
    "closed_at",
    "handed_off_at",
)

Id = Annotated[str, id_in_path("cv")]
State = Literal["open", "closed"]
OneState = Annotated[State | None, Query(alias="state", description="Only those that are open, or closed.")]
OneContact = Annotated[str | None, Query(alias="contact", pattern=id_pattern("ct"), description="Only this person's.")]
OneUser = Annotated[str | None, Query(alias="user", pattern=id_pattern("us"), description="Only this user's.")]
Since = Annotated[datetime | None, Query(alias="opened_at[gte]", description="Opened then or later.")]
Until = Annotated[datetime | None, Query(alias="opened_at[lt]", description="Opened before then.")]


class Conversation(Resource):
    """
    An exchange with one person.

    `session`: its outward name, `twilio_{agent}_{number}`, with the contact's key in place of a number that is not kept;
    null on a line of the platform's. `messages`: how many the agent was asked; 1,000 stands for that many or more.
    `handed_off_at`: since when a person has it; null where the agent answers.
    """

    tenant: str
    session: str | None
    channel: str
    agent: str
    line: str
    contact: Contact
    user: str | None
    state: State
    messages: int = Field(le=MOST_COUNTED)
    last_message_at: datetime | None
    opened_at: datetime
    closed_at: datetime | None
    handed_off_at: datetime | None


class Part(BaseModel):
    """A piece of a reply as it is sent."""

    id: str
    ordinal: int
    state: str
    provider_sid: str | None
    failure: str | None
    error_code: int | None
    accepted_at: datetime | None


class Said(Resource):
    """
    What one side said. `status`: what became of a message, or how far a reply is. `parts`: what a reply is sent in.

    `text`: null where it is withheld, for the reason in `text_withheld`; Markdown in replies.
    """

    direction: Literal["inbound", "outbound"]
    status: str
    text: str | None
    text_withheld: Withheld | None
    provider_sid: str | None
    turn: str | None
    parts: list[Part]
    trace_id: str | None
    created_at: datetime


def conversations(store: Store, vault: Vault) -> APIRouter:
    """Return the routes."""
    found = reader(store)
    router = APIRouter(prefix="/v1/conversations", tags=["conversations"], route_class=Route)

    @router.get("", **may("conversations:read"))
    async def list_conversations(
        who: Asking,
        page: Paged,
        *,
        since: Since = None,
        until: Until = None,
        tenant: OneTenant = None,
        channel: OneChannel = None,
        state: OneState = None,
        contact: OneContact = None,
        user: OneUser = None,
    ) -> Listing[Conversation]:
        theirs = await existing(store, who, whose(who, tenant))
        within = {"contact_id = %s": contact, **span(since, until).within("opened_at")}
        wanted = {
            "conversation.channel = %s": channel,
            "conversation.user_id = %s": user,
            "(closed_at is null) = %s": None if state is None else state == "open",
        }
        part = await found.read(theirs, within, wanted, page.mark, page.limit + 1)
        rows, mark = part.page(page.limit, _CONVERSATIONS.order)
        return page.until([shown_conversation(vault, row) for row in rows], mark)

    @router.get("/{conversation}", **may("conversations:read"))
    async def get_conversation(who: Asking, conversation: Id) -> Conversation:
        return shown_conversation(vault, await found.one(await _owner(who, conversation), conversation))

    @router.get("/{conversation}/messages", **may("conversations:read"))
    async def list_conversation_messages(who: Asking, page: Paged, conversation: Id) -> Listing[Said]:
        tenant = await _owner(who, conversation)
        history = (await found.one(tenant, conversation))["history"]
        spoken = await found.spoken(tenant, conversation, page.mark, page.limit)
        items = [shown_said(vault, tenant, row, spoken.parts, history=history) for row in spoken.rows]
        return page.until(items, spoken.mark)

    @router.delete("/{conversation}/handoff", **may("conversations:write"))
    async def give_conversation_back(who: Asking, conversation: Id) -> Conversation:
        tenant = await _owner(who, conversation)
        await found.give_back(who, tenant, conversation)
        return shown_conversation(vault, await found.one(tenant, conversation))

    async def _owner(who: Asking, conversation: str) -> TenantId:
        return await owner(store, who, "conversation", {"id = %s": conversation})

    return router


def reader(store: Store) -> Conversations:
    """Return who reads conversations with all that is shown of them."""
    return Conversations(store, _CONVERSATIONS)


def shown_conversation(vault: Vault, row: DictRow) -> Conversation:
    """Return a conversation as it is shown."""
    person = contacts.contact(vault, row)
    assert person is not None, "a conversation is with somebody"  # noqa: S101
    return Conversation(
        **{name: row[name] for name in _FACTS},
        session=_session(vault, row),
        contact=person,
        state="open" if row["closed_at"] is None else "closed",
    )


def _session(vault: Vault, row: DictRow) -> str | None:
    """Return the outward name (spec.md, section 4)."""
    kept = contacts.address(vault, row)
    name = kept.removeprefix(f"{WHATSAPP}:") if kept else row["contact_key"]
    return f"{row['provider']}_{row['agent']}_{name}" if row["provider"] and name else None


def shown_said(vault: Vault, tenant: TenantId, row: DictRow, parts: dict[int, list[DictRow]], *, history: bool) -> Said:
    """Return what one side said as it is shown."""
    if row["side"]:
        text = opened(vault, row["sealed"], REPLY_BODY.at(tenant, row["id"]), history=history, read=_markdown)
    else:
        place = MESSAGE_TEXT.at(tenant, row["id"])
        text = opened(
            vault, row["sealed"], place, history=history, read=lambda text: _with_media(vault, tenant, row, text)
        )
    return Said(
        id=row["id"],
        direction="outbound" if row["side"] else "inbound",
        status=row["status"],
        **text._asdict(),
        provider_sid=row.get("provider_sid"),
        turn=row.get("turn"),
        parts=[Part(**part) for part in parts.get(row.get("reply", 0), ())],
        trace_id=trace_id(row["trace"]),
        created_at=row["created_at"],
    )


def _with_media(vault: Vault, tenant: TenantId, row: DictRow, text: bytes) -> str:
    """Return what a person wrote with what was read in what came with it, as the agent was told."""
    return with_contents(text.decode(), kept(vault, tenant, {**row, "place": row["id"]}))


def _markdown(body: bytes) -> str:
    text: Any = orjson.loads(body)["markdown"]
    return str(text)
