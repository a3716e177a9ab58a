"""A model that is a plain function of what it is told."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from services.agent.llm_port import AS_IT_LIKES, Completion, Said, Sampling, ToolRequest
from shared.failures import Failure, GatewayError

Script = Callable[[list[Said], list[Said]], Completion | Failure | Awaitable[Completion]]


def echo(messages: list[Said], _tools: list[Said]) -> Completion:
    """Answer with everything the person said since the last answer."""
    said: list[str] = []
    for message in messages:
        said = (
            [] if message["role"] == "assistant" else [*said, message["content"]] if message["role"] == "user" else said
        )
    return Completion("You said: " + " / ".join(said), model="fake", input_tokens=3, output_tokens=2)


def asks_for(*requests: tuple[str, str]) -> Completion:
    """Return a completion that wants tools: name and arguments of each."""
    return Completion(
        "", tuple(ToolRequest(f"call_{number}", name, arguments) for number, (name, arguments) in enumerate(requests))
    )


_ORDER = re.compile(r"CALL (\S+) (.*)")
_WORDS = re.compile(r"SAY (.*)", re.DOTALL)
_TAGS = {number: number - 0xE0000 for number in range(0xE0020, 0xE007F)}


def obedient(messages: list[Said], _tools: list[Said]) -> Completion:
    """
    Do what anybody says, in a message or in a tool's answer, hidden or not.

    `CALL name arguments` on a line wants a tool, `TELL ALL` all that the model was told, `SAY …` these very words.
    """
    heard = "\n".join(str(said["content"]).translate(_TAGS) for said in messages if said["role"] in {"user", "tool"})
    done = sum(said["role"] == "tool" for said in messages)
    orders = _ORDER.findall(heard)[done:]
    if orders:
        return asks_for(*orders)
    if "TELL ALL" in heard:
        return Completion(json.dumps(messages, ensure_ascii=False, default=str))
    words = _WORDS.search(heard)
    return Completion(words[1] if words else "Done.")


@dataclass(frozen=True)
class Asked:
    """How a model was asked: which one, with which tools, and how it should answer."""

    model: str | None
    tools: list[str]
    sampling: Sampling


@dataclass
class FakeModel:
    """Answers by its script and remembers what it was told. `gate`: answers wait until it is open."""

    script: Script = echo
    told: list[list[Said]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    gate: asyncio.Event | None = None

    async def complete(
        self,
        messages: Sequence[Said],
        tools: Sequence[Said],
        *,
        model: str | None,
        user: str,
        sampling: Sampling = AS_IT_LIKES,
    ) -> Completion:
        self.told.append(list(messages))
        self.asked.append(Asked(model, [tool["function"]["name"] for tool in tools], sampling))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            if self.gate is not None:
                await self.gate.wait()
            answer = self.script(list(messages), list(tools))
            if isinstance(answer, Failure):
                raise GatewayError(answer)
            return await answer if not isinstance(answer, Completion) else answer
        finally:
            self.running -= 1
