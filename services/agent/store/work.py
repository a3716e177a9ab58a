"""A turn: the right to run it, what it works on, and what it left."""

from dataclasses import dataclass, field
from datetime import datetime

from psycopg.rows import DictRow

from services.agent.budget import Limits
from services.agent.llm_port import Said
from services.agent.memory import History
from services.agent.pipelines import Chosen, Setup
from shared.actions import Identity
from shared.channels.ports import MediaReference
from shared.ids import AgentId, ConversationId, LineId, ReplyId, Sequence, TenantId, ThreadKey, TurnId
from shared.media.contents import Content


@dataclass(frozen=True)
class Opened:
    """A turn's rows as they were read: what is asked, and what was spoken before, the newest first."""

    asked: list[DictRow]
    spoken: list[DictRow]


@dataclass(frozen=True)
class Claim:
    """
    The right to run one turn of a thread. Whoever claims next gets a higher fence, and this one cannot commit.

    `tenant`: whose conversation it is. `scope`: all whose rows it may touch: the line's tenant first, that one last.
    """

    thread: ThreadKey
    tenant: TenantId
    scope: tuple[TenantId, ...]
    line: LineId
    fence: int
    done_seq: Sequence
    asked_seq: Sequence
    opened: Opened | None = field(default=None, compare=False, repr=False)
    """What was read with the claim; None once more was asked."""
    due_at: datetime | None = field(default=None, compare=False)
    """Since when the turn waited; None where it did not."""


@dataclass(frozen=True)
class Attached:
    """What came with a message that is asked. `place`: of the message in what is asked. `contents`: what is known of it already."""

    message: str
    place: int
    text: str
    media: tuple[MediaReference, ...]
    contents: tuple[Content, ...] = ()

    def known(self, place: int) -> Content | None:
        """Return what is known of one of them."""
        return self.contents[place] if place < len(self.contents) else None


@dataclass(frozen=True)
class Work:
    """A turn, loaded: what the model is told, and where its answer goes."""

    claim: Claim
    turn: TurnId
    attempts: int
    agent: AgentId
    conversation: ConversationId
    channel: str
    provider: str
    pipeline: Chosen
    setup: Setup
    is_handed_off: bool
    traces: tuple[dict[str, str], ...]
    received_at: datetime
    identity: Identity
    has_actions: bool
    has_servers: bool
    history: History
    asked: tuple[Said, ...]
    limits: Limits
    agent_name: str
    is_silent: bool
    """Another automatic service seemed to write, and nothing is answered for a while."""
    is_busy: bool
    """There were several turns lately: enough for a look whether a person writes."""
    attached: tuple[Attached, ...] = ()

    @property
    def question(self) -> str:
        """What is asked, in one text."""
        return "\n".join(message["content"] for message in self.asked)


@dataclass(frozen=True)
class Committed:
    """The reply that a turn left, if it said anything, and whether its thread was asked more since."""

    reply: ReplyId | None
    more: bool
