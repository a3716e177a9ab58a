"""Every stream, subject and durable in one table. Names here are the names on the wire and in the manifests."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.events import DeliveryGivenUp, Event, InboundReceived, PartReported, ReplyReady, TurnRequested
from shared.ids import ConversationId, TenantId, ThreadKey

E = TypeVar("E", bound=Event)

_HOUR = 3600.0
_DAY = 24 * _HOUR
_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Stream:
    """
    A JetStream stream. Times in seconds, sizes in bytes.

    `work_queue`: a message goes when it is acknowledged. `hints`: losing it costs a sweep, not a message, so a
    single-node server may acknowledge before it syncs to disk.
    """

    name: str
    subjects: tuple[str, ...]
    max_age: float
    max_bytes: int
    duplicate_window: float
    work_queue: bool = False
    hints: bool = False
    max_msg_size: int = 64 * 1024


INBOUND = Stream("INBOUND", ("in.v1.*.*",), 3 * _DAY, 4096 * _MEBIBYTE, 2 * _HOUR, max_msg_size=160 * 1024)
TURN = Stream("TURN", ("turn.v1.*.*", "sched.turn.*.*"), _DAY, 512 * _MEBIBYTE, 120, work_queue=True, hints=True)
OUT = Stream("OUT", ("out.v1.*.*",), _DAY, 512 * _MEBIBYTE, 120, work_queue=True, hints=True)
STATUS = Stream("STATUS", ("status.v1.*",), _DAY, 1024 * _MEBIBYTE, 2 * _HOUR)
EVT = Stream("EVT", ("evt.v1.>",), 7 * _DAY, 512 * _MEBIBYTE, 120, hints=True)
DLQ = Stream(
    "DLQ",
    ("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>"),
    14 * _DAY,
    128 * _MEBIBYTE,
    120,
)
STREAMS = (INBOUND, TURN, OUT, STATUS, EVT, DLQ)

CONFIG_BUCKET = "CONFIG"
CONFIG_HISTORY = 5
CONFIG_REPUBLISH = ("$KV.CONFIG.>", "cfg.>")
"""Each write of the bucket is sent on to `cfg.>`, where every replica listens."""


@dataclass(frozen=True)
class Consumer(Generic[E]):
    """A durable consumer: who reads which events of which stream. `ack_wait` in seconds."""

    durable: str
    stream: Stream
    subject: str
    event: type[E]
    ack_wait: float
    max_ack_pending: int


ROUTER = Consumer("router", INBOUND, "in.v1.*.*", InboundReceived, ack_wait=5, max_ack_pending=1000)
AGENT = Consumer("agent", TURN, "turn.v1.*.*", TurnRequested, ack_wait=30, max_ack_pending=2000)
EGRESS = Consumer("egress", OUT, "out.v1.*.*", ReplyReady, ack_wait=30, max_ack_pending=2000)
STATUS_READER = Consumer("status", STATUS, "status.v1.*", PartReported, ack_wait=5, max_ack_pending=500)
ADVISORIES = Consumer(
    "advisories", DLQ, "$JS.EVENT.ADVISORY.CONSUMER.>", DeliveryGivenUp, ack_wait=5, max_ack_pending=100
)
HINT_READERS = 4
"""Hints that a process takes in at the same time: they only wake it, so none takes long."""

CONSUMERS = (ROUTER, AGENT, EGRESS, STATUS_READER, ADVISORIES)


def inbound_subject(tenant: TenantId, thread: ThreadKey) -> str:
    """Return the subject that holds one thread's messages in arrival order."""
    return f"in.v1.{tenant}.{thread}"


def turn_subject(tenant: TenantId, thread: ThreadKey) -> str:
    """Return the subject for hints that a thread wants its agent."""
    return f"turn.v1.{tenant}.{thread}"


def turn_schedule_subject(tenant: TenantId, thread: ThreadKey) -> str:
    """Return the subject of a thread's one scheduled hint; a new schedule takes the place of the old one."""
    return f"sched.turn.{tenant}.{thread}"


def out_subject(tenant: TenantId, thread: ThreadKey) -> str:
    """Return the subject for hints that a thread has something to send."""
    return f"out.v1.{tenant}.{thread}"


def status_subject(tenant: TenantId) -> str:
    """Return the subject of delivery reports."""
    return f"status.v1.{tenant}"


def inbound_settled_subject(tenant: TenantId, thread: ThreadKey) -> str:
    """Return the best-effort subject of a thread whose messages gave nobody work."""
    return f"evt.v1.{tenant}.inbound.settled.{thread}"


def turn_running_subject(tenant: TenantId, thread: ThreadKey) -> str:
    """Return the best-effort subject of a thread's running turn."""
    return f"evt.v1.{tenant}.turn.running.{thread}"


def turn_interrupted_subject(tenant: TenantId, thread: ThreadKey) -> str:
    """Return the best-effort subject for a thread's turn that shall look at it."""
    return f"evt.v1.{tenant}.turn.interrupted.{thread}"


def turn_refused_subject(tenant: TenantId, thread: ThreadKey) -> str:
    """Return the best-effort subject of a thread's turns that a limit ended."""
    return f"evt.v1.{tenant}.turn.refused.{thread}"


def handed_off_subject(tenant: TenantId, conversation: ConversationId) -> str:
    """Return the best-effort subject for a conversation that a person has to go on with."""
    return f"evt.v1.{tenant}.conversation.handed_off.{conversation}"


INBOUND_SETTLED_ANY = "evt.v1.*.inbound.settled.*"
TURN_RUNNING_ANY = "evt.v1.*.turn.running.*"
TURN_INTERRUPTED_ANY = "evt.v1.*.turn.interrupted.*"
TURN_REFUSED_ANY = "evt.v1.*.turn.refused.*"
HANDED_OFF_ANY = "evt.v1.*.conversation.handed_off.*"

TURN_REPLAY = "ask.v1.turn.replay"
"""Where an agent is asked to run a stored turn again, and answers."""

TRIAL = "ask.v1.pipeline.trial"
"""Where an agent is asked to try a pipeline out on a stored conversation, and answers."""
