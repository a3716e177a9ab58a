"""What people said and what became of it, up to the reply."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Column, DateTime, Index, Numeric, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from shared.store.tables.columns import big, counted, document, moment, moments, now, sealed, told


class Thread(SQLModel, table=True):
    """
    A contact's mailbox on one line. Written by router, agent and egress, each its own columns.

    `root`: the eldest thread of the same person on this line, where there are several; all of them name it, itself too
    (ADR 14). `host_contact_id`: on a shared line, who the person is to its own tenant, where `contact_id` is a guest's.
    `guests`: on a shared line, the tenants of the users whom the person was, the present one last; theirs are the messages
    and answers.
    `last_seq`: read up to. `asked_seq`: newest message that wants the agent. `done_seq`: answered up to.
    `owner/fence/lease_until`: who runs the turn. `out_owner/out_fence/out_until`: who sends. `run_at`, `send_at`: when
    there is something to do. `burst_at`: when the messages that wait for the agent began to come. `parked_at`: since when
    replies wait for the person to write again, because the provider's 24 hours are over. `texts_from`: what came before it
    has no text left; written by the console.
    """

    __table_args__ = (
        Index("thread_due", "run_at", postgresql_where=text("done_seq < asked_seq")),
        Index("thread_to_send", "send_at", postgresql_where=text("send_at is not null")),
        Index("thread_root", "root", postgresql_where=text("root is not null")),
        Index("thread_host_contact", "host_contact_id", postgresql_where=text("host_contact_id is not null")),
    )
    key: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    line_id: str = Field(foreign_key="line.id")
    contact_id: str = Field(foreign_key="contact.id", index=True)
    host_contact_id: str | None = Field(None, foreign_key="contact.id")
    root: str | None = Field(None, foreign_key="thread.key")
    guests: list[str] = Field(sa_column=Column(ARRAY(String), nullable=False, server_default=text("'{}'")))
    last_seq: int = big()
    asked_seq: int = big()
    done_seq: int = big()
    failing_seq: int = big()
    failures: int = counted()
    hits: list[datetime] = moments()
    wrong_codes: list[datetime] = moments()
    noticed: dict[str, str] = document()
    opted_out_at: datetime | None = moment()
    last_inbound_at: datetime | None = moment()
    last_provider_sid: str | None = None
    run_at: datetime | None = moment()
    burst_at: datetime | None = moment()
    owner: int | None = Field(None, sa_type=BigInteger)
    fence: int = big()
    lease_until: datetime | None = moment()
    send_at: datetime | None = moment()
    parked_at: datetime | None = moment()
    texts_from: int = big()
    out_owner: int | None = Field(None, sa_type=BigInteger)
    out_fence: int = big()
    out_until: datetime | None = moment()
    created_at: datetime = now()


class Conversation(SQLModel, table=True):
    """
    The exchange with one contact on one channel; at most one is open. Written by the router, and by the agent: `sealed_summary`
    of what was said up to `summary_seq`, and `silent_until`, while another automatic service seems to write.

    `handed_off_at`: since when a person has it and the agent is silent; written by the agent, and by the console, which gives it
    back.
    """

    __table_args__ = (
        Index("conversation_active", "contact_id", "channel", unique=True, postgresql_where=text("closed_at is null")),
        Index("conversation_newest", "tenant_id", "opened_at", "id"),
        Index("conversation_contact", "contact_id", "id"),
    )
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    contact_id: str = Field(foreign_key="contact.id")
    user_id: str | None = Field(None, foreign_key="app_user.id")
    agent_id: str = Field(foreign_key="agent.id")
    line_id: str = Field(foreign_key="line.id")
    channel: str
    sealed_summary: bytes | None = sealed(nullable=True)
    summary_seq: int = big()
    silent_until: datetime | None = moment()
    opened_at: datetime = now()
    closed_at: datetime | None = moment()
    handed_off_at: datetime | None = moment()


class Message(SQLModel, table=True):
    """
    An inbound message and what became of it (`outcome`). Written by the router; `sealed_contents`, what was read in the media
    that `sealed_media` tells where to fetch, by the agent. Without a thread it is nobody's any more: its
    provider's id is kept, so that it is known if it comes again.

    `webhook_ms`: from the webhook's arrival at ingress until the stream had it, by their two clocks; none where it was found or
    tried again later.
    """

    __table_args__ = (
        UniqueConstraint("account_sid", "provider_sid", name="message_account_provider_key"),
        Index("message_thread_seq", "thread", "seq"),
        Index("message_conversation_seq", "conversation_id", "seq"),
        Index("message_newest", "tenant_id", "received_at", "id"),
        Index("message_nobodys", "routed_at", postgresql_where=text("thread is null")),
    )
    id: str = Field(primary_key=True)
    tenant_id: str
    line_id: str
    thread: str | None = Field(None, foreign_key="thread.key")
    conversation_id: str | None = Field(None, foreign_key="conversation.id")
    account_sid: str
    provider_sid: str
    seq: int = Field(sa_type=BigInteger)
    outcome: str
    sealed_text: bytes | None = sealed(nullable=True)
    sealed_media: bytes | None = sealed(nullable=True)
    sealed_contents: bytes | None = sealed(nullable=True)
    trace: dict[str, str] = document()
    received_at: datetime = Field(sa_type=DateTime(timezone=True))
    webhook_ms: int | None = None
    routed_at: datetime = Field(
        sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("clock_timestamp()")}
    )


class Turn(SQLModel, table=True):
    """
    One run of an agent over the messages `from_seq` to `upto_seq`. Written by the agent.

    `pipeline`, `pipeline_version`: what it runs, from its beginning to its end, whoever goes on with it. `trail`: the steps that
    it took. `cost`: in the currency of the platform's prices; none where one of its models has no price.
    """

    __table_args__ = (
        UniqueConstraint("thread", "from_seq", name="turn_thread_from_key"),
        Index("turn_conversation", "conversation_id"),
        Index("turn_newest", "tenant_id", "started_at", "id"),
    )
    id: str = Field(primary_key=True)
    tenant_id: str
    thread: str = Field(foreign_key="thread.key")
    conversation_id: str = Field(foreign_key="conversation.id")
    from_seq: int = Field(sa_type=BigInteger)
    upto_seq: int = Field(sa_type=BigInteger)
    attempts: int = counted(1)
    failure: str | None = None
    model: str | None = None
    steps: int = counted()
    input_tokens: int = counted()
    output_tokens: int = counted()
    pipeline: str | None = None
    pipeline_version: int | None = None
    trail: list[Any] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'[]'::jsonb")))
    cost: Decimal | None = Field(None, sa_type=Numeric)
    started_at: datetime = now()
    finished_at: datetime | None = moment()


class ToolCall(SQLModel, table=True):
    """
    A tool call and its result, kept so that a restarted turn does not repeat it. Written by the agent.

    `call`: what was asked, as a digest; a turn that starts over with more messages may ask something else at the same step.
    `sealed_sources`: the documents that the result came from, where it came from any.
    """

    __tablename__ = "tool_call"
    turn_id: str = Field(primary_key=True, foreign_key="turn.id")
    call: str = Field(primary_key=True)
    tenant_id: str
    step: int
    name: str
    sealed_result: bytes | None = sealed(nullable=True)
    sealed_sources: bytes | None = sealed(nullable=True)
    created_at: datetime = now()


class ToolAttempt(SQLModel, table=True):
    """
    A tool call with a side effect, written before it is made. Without a result nobody knows how it ended. Written by the agent.
    """

    __tablename__ = "tool_attempt"
    turn_id: str = Field(primary_key=True, foreign_key="turn.id")
    call: str = Field(primary_key=True)
    tenant_id: str
    name: str
    sealed_result: bytes | None = sealed(nullable=True)
    begun_at: datetime = now()
    ended_at: datetime | None = moment()


class FormSubmission(SQLModel, table=True):
    """
    A message that a visitor left through the contact form, once per call of a turn. Written by the agent.

    States: kept (nobody wants it sent), waiting, sending, sent, failed. `next_at`: when it is to be tried, or looked at.
    """

    __tablename__ = "form_submission"
    __table_args__ = (
        UniqueConstraint("turn_id", "call", name="form_submission_turn_call_key"),
        Index("form_submission_conversation", "conversation_id"),
        Index("form_submission_due", "next_at", postgresql_where=text("next_at is not null")),
        Index("form_submission_newest", "tenant_id", "created_at", "id"),
    )
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    conversation_id: str = Field(foreign_key="conversation.id")
    turn_id: str = Field(foreign_key="turn.id")
    call: str
    sealed_body: bytes = sealed()
    state: str = told("kept")
    tries: int = counted()
    next_at: datetime | None = moment()
    failure: str | None = None
    sent_at: datetime | None = moment()
    created_at: datetime = now()
