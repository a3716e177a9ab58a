"""How a tenant's agent runs: its instructions, model, memory and tools."""

from dataclasses import dataclass
from datetime import datetime

from services.agent.llm import Said
from services.agent.tools import TOOLS, Tool

_CHANNEL_HINTS = {
    "whatsapp": "The person reads your answer on a phone. Be brief, prefer short paragraphs and lists to wide tables.",
}


@dataclass(frozen=True)
class Sys:
    """What prompts may refer to: `{sys.channel}`, `{sys.tenant}`, `{sys.user}`."""

    channel: str
    tenant: str
    user: str


@dataclass(frozen=True)
class Pipeline:
    """One agent, ready to run."""

    instructions: str
    model: str | None
    memory: int
    tools: tuple[Tool, ...] = TOOLS
    fallback: str | None = None

    def system_prompt(self, facts: Sys, now: datetime) -> Said:
        """Return the system message: the agent's instructions with the facts filled in, and the channel's habits."""
        told = self.instructions
        for name, value in vars(facts).items():
            told = told.replace(f"{{sys.{name}}}", value)
        habits = _CHANNEL_HINTS.get(facts.channel, "")
        return {
            "role": "system",
            "content": f"{told}\n\nChannel: {facts.channel}. {habits}\nToday is {now:%A, %d %B %Y}.",
        }
