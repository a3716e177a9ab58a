"""
The events that services exchange, frozen and versioned by name.

Fields are only ever added; a break is a new version beside the old. Readers ignore fields they do not know.
Only `InboundReceived` and `PartReported` carry facts; the others are hints to look into Postgres.
"""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict

from shared.ids import (
    AccountSid,
    AttemptId,
    ConversationId,
    LineId,
    ProviderSid,
    ReplyId,
    Sequence,
    TenantId,
    ThreadKey,
    TurnId,
)


class Event(BaseModel):
    """What every event has: a type, a version, and the tenant that owns it."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    type: ClassVar[str]
    v: Literal[1] = 1
    tenant: TenantId

    def encode(self) -> bytes:
        """Return the event as JSON."""
        return self.model_dump_json().encode()

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read an event. Raises pydantic's ValidationError, which shows no content."""
        return cls.model_validate_json(body)


class InboundReceived(Event):
    """A person wrote to a line, and Twilio's signature held. `sealed` opens to an `InboundContent`."""

    type: ClassVar[str] = "inbound.received.v1"

    event_id: str
    line: LineId
    channel: str
    account_sid: AccountSid
    provider_sid: ProviderSid
    to: str
    num_media: int
    received_at: datetime
    sealed: str
    reconciled: bool = False
    """Found at the provider by gap-fill: it arrived at `received_at`, whenever it was stored."""
    replay_of: str = ""
    """The dead letter that this event is tried again for; it too keeps its time of arrival."""

    @property
    def seal_context(self) -> str:
        """What the sealed content is bound to: it opens nowhere else."""
        return f"{self.tenant}/inbound/{self.event_id}/1"


class InboundMedia(BaseModel):
    """Something that came with a message: where the provider keeps it, and what it is said to be."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    url: str
    media_type: str = ""


class InboundReferral(BaseModel):
    """The advertisement or post that somebody came by."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    kind: str = ""
    id: str = ""
    headline: str = ""
    url: str = ""


class InboundContent(BaseModel):
    """The personal part of an inbound message; travels and rests sealed."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    sender: str
    user_id: str | None = None
    phone: str | None = None
    profile_name: str = ""
    text: str = ""
    params: dict[str, str] = {}
    media: tuple[InboundMedia, ...] = ()
    referral: InboundReferral | None = None


class TurnRequested(Event):
    """A thread has messages that want an agent, up to `upto_seq`."""

    type: ClassVar[str] = "turn.requested.v1"

    thread: ThreadKey
    upto_seq: Sequence


class ReplyReady(Event):
    """A reply of this thread waits to be sent, or its next part may go."""

    type: ClassVar[str] = "reply.ready.v1"

    thread: ThreadKey
    reply_id: ReplyId


class PartReported(Event):
    """Twilio told what became of one send attempt. Reports come in any order, and more than once."""

    type: ClassVar[str] = "part.reported.v1"

    attempt: AttemptId | None
    account_sid: AccountSid
    provider_sid: ProviderSid
    status: str
    error_code: int | None = None
    reported_at: datetime


class DeliveryGivenUp(Event):
    """JetStream's own advisory that a message will not be delivered again: no tenant, and its version is JetStream's."""

    type: ClassVar[str] = "io.nats.jetstream.advisory.v1"

    tenant: TenantId = TenantId("")
    stream: str
    consumer: str
    stream_seq: Sequence
    deliveries: int


class ConversationHandedOff(Event):
    """A person has to go on with a conversation, and its agent is silent. Best effort; the table says the same."""

    type: ClassVar[str] = "conversation.handed_off.v1"

    conversation: ConversationId


class TrialRequested(Event):
    """An admin wants to know what a pipeline's document would do with a stored conversation. Asked, not stored."""

    type: ClassVar[str] = "trial.requested.v1"

    trial: str
    conversation: ConversationId
    document: str


class TrialEnded(Event):
    """What became of a trial. `sealed` opens to a `TrialResult`; without one, `failure` says why."""

    type: ClassVar[str] = "trial.ended.v1"

    trial: str
    sealed: str = ""
    failure: str | None = None

    @property
    def seal_context(self) -> str:
        """What the sealed result is bound to: it opens nowhere else."""
        return f"{self.tenant}/trial/{self.trial}/1"


class TrialResult(BaseModel):
    """
    The answer that a person would have been given, and how it came about; travels sealed.

    `told`: tools with side effects that would have been called, and were not. `cost`: as of a turn.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    text: str
    sources: list[str]
    handed_off: bool
    trail: list[dict[str, str | int]]
    told: list[str]
    steps: int
    input_tokens: int
    output_tokens: int
    cost: Decimal | None
    model: str


class TurnInterrupted(Event):
    """A thread's turn was cancelled, or was asked more: whoever runs it shall look. Best effort, to every agent."""

    type: ClassVar[str] = "turn.interrupted.v1"

    thread: ThreadKey


class InboundSettled(Event):
    """What came of a thread's messages gives nobody work, such as of one over a limit. Best effort, for pages that are open."""

    type: ClassVar[str] = "inbound.settled.v1"

    thread: ThreadKey


class TurnRunning(Event):
    """An agent works on this thread now. Published at the start and renewed; best effort (drives the typing dots)."""

    type: ClassVar[str] = "turn.running.v1"

    thread: ThreadKey


class TurnRefused(Event):
    """A limit ended a thread's turn: `reason` is the code of a `Failure`. Best effort, for whoever watches."""

    type: ClassVar[str] = "turn.refused.v1"

    thread: ThreadKey
    reason: str


class ReplayRequested(Event):
    """A question to an agent: what would it answer to a stored turn now, with another model? Nothing is sent or stored."""

    type: ClassVar[str] = "turn.replay_requested.v1"

    turn: TurnId
    model: str | None = None
    """None: the one that the agent's settings name today."""


class TurnReplayed(Event):
    """The agent's answer. `sealed` opens to its text; empty where there is none, for the reason in `failure`."""

    type: ClassVar[str] = "turn.replayed.v1"

    turn: TurnId
    failure: str | None = None
    sealed: str = ""
    model: str = ""
    steps: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def seal_context(self) -> str:
        """What the sealed text is bound to: it opens nowhere else."""
        return f"{self.tenant}/replay/{self.turn}/1"
