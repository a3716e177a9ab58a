"""`/v1/messages`: what people wrote and what they were sent, and what happened to each."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query
from psycopg.rows import DictRow
from pydantic import Field

from services.console.access import Principal
from services.console.api import contacts
from services.console.api.contacts import Contact
from services.console.api.fields import Created, OneChannel, OneTenant, whose
from services.console.api.paging import Listing, Paged, Resource
from services.console.api.problems import Problem
from services.console.api.routes import Asking, Route, may
from services.console.api.steps import Step, steps
from services.console.api.texts import Withheld, opened
from services.console.api.traces import trace_id
from services.console.messages import INBOUND, Direction, Messages, Wanted
from services.console.scan import Scan, existing
from services.console.timeline import timeline
from shared.addresses import PERSON, Pepper, whatsapp
from shared.ids import TenantId
from shared.store.sealed import MESSAGE_TEXT, PART_BODY
from shared.store.session import Store
from shared.vault import Vault

_WHO = """
left join conversation on conversation.id = {row}.conversation_id
left join thread on thread.key = {of}.thread
left join line on line.id = {line}
left join contact
  on contact.id = case when conversation.contact_id is null then thread.contact_id else conversation.contact_id end
join tenant on tenant.id = {of}.tenant_id
"""
"""With `case`, since `coalesce` is not known to keep secrets: row-level security would let no index find its value."""
_BOTH = f"coalesce(conversation.channel, line.channel) as channel, history, {contacts.SHOWN}"
_INBOUND = Scan(
    "message",
    ("received_at", "id"),
    f"""
    message.id, message.id as key, message.received_at as moment, message.received_at, message.tenant_id as tenant,
    message.line_id as line, message.conversation_id as conversation, message.provider_sid, message.outcome as status,
    message.sealed_text as sealed, message.trace, message.thread, message.seq, {_BOTH}
    """,
    _WHO.format(row="message", of="message", line="message.line_id"),
)
_OUTBOUND = Scan(
    "part",
    ("created_at", "id"),
    f"""
    part.id, part.id as key, part.created_at as moment, part.created_at, part.tenant_id as tenant, thread.line_id as line,
    reply.conversation_id as conversation, part.provider_sid, part.state as status, part.failure, part.error_code,
    part.sealed_body as sealed, reply.trace, part.thread, reply.after_seq as seq, reply.id as reply, part.ordinal,
    (extract(epoch from part.accepted_at - reply.received_at) * 1000)::bigint as latency_ms, {_BOTH}
    """,
    "join reply on reply.id = part.reply_id" + _WHO.format(row="reply", of="part", line="thread.line_id"),
)
_FACTS = ("tenant", "channel", "line", "conversation", "provider_sid", "status")
_SIGNS = 340

Id = Annotated[str, Path(pattern=r"^(msg_[0-9a-z]{1,40}|pt_[1-9][0-9]{0,17})$")]
Sid = Annotated[str | None, Query(alias="provider_sid", pattern=r"^[A-Za-z0-9]{1,64}$", description="Twilio's id.")]
OneDirection = Annotated[Direction | None, Query(alias="direction", description="Only what came in, or went out.")]
Status = Annotated[
    str | None, Query(alias="status", pattern=r"^[a-z_/]{1,40}$", description="Only those of which this became.")
]
Number = Annotated[
    str | None,
    Header(
        alias="Contact-Address",
        max_length=_SIGNS,
        description="Only this person's: a phone number or user id, whole. In a header, because URLs are logged.",
    ),
]


class Message(Resource):
    """
    A message that came in, or a part of an answer. Null is what is not known, or belongs to a line of the platform's.

    `status`: what became of it. `text`: null where it is withheld, for the reason in `text_withheld`. `latency_ms`: from
    the person's message to Twilio's taking this. `created_at`: when it arrived, or was cut.
    """

    tenant: str
    direction: Direction
    channel: str | None
    line: str | None
    conversation: str | None
    contact: Contact | None
    provider_sid: str | None
    status: str
    failure: str | None
    error_code: int | None
    text: str | None
    text_withheld: Withheld | None
    latency_ms: int | None
    trace_id: str | None
    created_at: datetime


class MessageWithSteps(Message):
    """A message and its timeline: what happened to it so far, in the order of time."""

    timeline: list[Step] = Field(description="What has not happened is not there.")


def _wanted(
    *,
    created: Created,
    direction: OneDirection = None,
    status: Status = None,
    channel: OneChannel = None,
    provider_sid: Sid = None,
    number: Number = None,
) -> Wanted:
    address = None if number is None else whatsapp(number)
    if address is not None and not PERSON.fullmatch(address):
        raise Problem(
            400, "address_invalid", "Contact-Address is no phone number such as +393330001111, and no user id."
        )
    return Wanted(direction, status, channel, provider_sid, address, created)


Filters = Annotated[Wanted, Depends(_wanted)]


def messages(store: Store, vault: Vault, pepper: Pepper) -> APIRouter:
    """Return the routes."""
    found = reader(store, pepper)
    router = APIRouter(prefix="/v1/messages", tags=["messages"], route_class=Route)

    @router.get("", **may("messages:read"))
    async def list_messages(who: Asking, page: Paged, wanted: Filters, tenant: OneTenant = None) -> Listing[Message]:
        theirs = await _tenant(who, wanted, tenant)
        if theirs is None:
            return page.until([], None)
        part = await found.read(theirs, wanted, page.mark, page.limit)
        return page.until([Message(**shown_message(vault, row, row["direction"])) for row in part.rows], part.mark)

    @router.get("/{message}", **may("messages:read"))
    async def get_message(who: Asking, message: Id) -> MessageWithSteps:
        return await with_steps(found, vault, who, message)

    async def _tenant(who: Asking, wanted: Wanted, tenant: str | None) -> TenantId | None:
        """Return whose messages are meant: an id of Twilio's tells it by itself."""
        if wanted.sid is not None and tenant is None:
            return await found.tenant_of_sid(who, wanted.sid)
        return await existing(store, who, whose(who, tenant))

    return router


def reader(store: Store, pepper: Pepper) -> Messages:
    """Return who reads messages with all that is shown of them."""
    return Messages(store, pepper, _INBOUND, _OUTBOUND)


async def with_steps(found: Messages, vault: Vault, who: Principal, message: str) -> MessageWithSteps:
    """Return one message and what happened to it. Raises Unknown."""
    tenant, direction, row = await found.one(who, message)
    async with found.store.connection(tenant) as connection:
        part = None if direction == INBOUND else row["id"]
        happened = await timeline(connection, row["thread"], row["seq"], part)
    return MessageWithSteps(**shown_message(vault, row, direction), timeline=steps(happened))


def shown_message(vault: Vault, row: DictRow, direction: Direction) -> dict[str, Any]:
    """Return a message as it is shown."""
    inbound = direction == INBOUND
    sealed_at = (
        MESSAGE_TEXT.at(row["tenant"], row["id"])
        if inbound
        else PART_BODY.at(row["tenant"], row["reply"], row["ordinal"])
    )
    return {
        **{name: row[name] for name in _FACTS},
        **opened(vault, row["sealed"], sealed_at, history=row["history"])._asdict(),
        "id": row["id"] if inbound else f"pt_{row['id']}",
        "direction": direction,
        "contact": contacts.contact(vault, row),
        "failure": row.get("failure"),
        "error_code": row.get("error_code"),
        "latency_ms": row.get("latency_ms"),
        "trace_id": trace_id(row["trace"]),
        "created_at": row["moment"],
    }
