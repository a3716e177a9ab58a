"""What the checker says."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Doubt:
    """A send whose outcome its sender did not know at first, and how that ended."""

    at: float
    to: str
    why: str
    ended: str
    seconds: float
    """Until it was settled."""
    asked: int = 0
    """How often Twilio was asked for it."""
    held: int = 0
    """How often of these Twilio could not tell."""

    @property
    def until(self) -> float:
        """Return when it was settled."""
        return self.at + self.seconds


@dataclass
class Verdict:
    """What is wrong, by promise; all empty when every promise was kept."""

    lost: list[str] = field(default_factory=list)
    lost_parts: list[str] = field(default_factory=list)
    lost_effects: list[str] = field(default_factory=list)
    double_turns: list[str] = field(default_factory=list)
    double_parts: list[str] = field(default_factory=list)
    double_effects: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    parts_out_of_order: list[str] = field(default_factory=list)
    concurrent_runs: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Tell whether nothing is wrong."""
        return not any(vars(self).values())


@dataclass
class Findings:
    """The verdict, and what there is to know beside it. Times in seconds."""

    verdict: Verdict
    messages: int = 0
    answered: int = 0
    apologised: int = 0
    given_up: list[str] = field(default_factory=list)
    """Messages whose answer Twilio twice neither took nor clearly refused: dead letters, as safety.md, section 4.7, wants."""
    fenced_runs: list[str] = field(default_factory=list)
    """Conversations in which a paused process ran beside its successor. It cannot commit."""
    latencies: list[float] = field(default_factory=list)
    recoveries: dict[str, list[float]] = field(default_factory=dict)
    """By fault: from it to the answer of each message that waited when it happened."""
    held: dict[str, int] = field(default_factory=dict)
    """By fault: messages that waited for a doubtful send, or for a model in trouble, and are not among the recoveries."""
    last_recoveries: list[float] = field(default_factory=list)
    """Of each message that waited during a fault: from the last one to its answer."""
    doubts: list[Doubt] = field(default_factory=list)
