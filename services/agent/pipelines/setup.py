"""What a turn brings to its pipeline: the agent's own instructions, model and tools, and the facts of the session."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.agent.llm_port import Said
from services.agent.tools import TOOLS, Tool
from shared.pipelines import Pipeline, filled


@dataclass(frozen=True)
class Sys:
    """What prompts and branches may refer to: `{sys.channel}`, `{sys.tenant}`, `{sys.user}`."""

    channel: str
    tenant: str
    user: str

    @property
    def by_name(self) -> Mapping[str, str]:
        """Return the facts by the names that documents use."""
        return {f"sys.{name}": value for name, value in vars(self).items()}


@dataclass(frozen=True)
class Chosen:
    """The pipeline that a turn runs. `name`: its id, or the name of one that is shipped."""

    name: str
    version: int
    document: Pipeline


@dataclass(frozen=True)
class Setup:
    """One agent: what its pipeline's steps leave out is taken from here."""

    instructions: str
    model: str | None
    facts: Sys
    now: datetime
    tools: tuple[Tool, ...] = TOOLS
    fallback: str | None = None

    def system_prompt(self, instructions: str | None, addition: str) -> Said:
        """Return the system message: instructions with the facts filled in, what a step adds to them, and the day."""
        facts = self.facts.by_name
        told = filled(self.instructions if instructions is None else instructions, facts)
        channel = f"Channel: {self.facts.channel}. {filled(addition, facts)}".rstrip()
        return {"role": "system", "content": f"{told}\n\n{channel}\nToday is {self.now:%A, %d %B %Y}."}
