"""The loop between model and tools: pure over its ports, five executed steps at most."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import orjson

from services.agent.cleaning import clean, cleaned
from services.agent.llm import Completion, Model, Said, Sampling, ToolRequest
from services.agent.tools import Result, Tool, ToolContext, ToolFailed
from shared import faultpoints
from shared.actions import Misfit
from shared.actions.mapping import cut
from shared.failures import MODEL_EMPTY, GatewayError
from shared.faultpoints import Step
from shared.telemetry import TOOL_CALLED, log, span

_LONGEST_ANSWER = 16 * 1024

_TOO_MANY = "Not run: the limit of tool calls for this message is reached. Answer with what you have."


class Ledger(Protocol):
    """Remembers the tool calls of a turn, so that a restarted one does not repeat them."""

    async def recall(self, request: ToolRequest) -> Result | None:
        """Return the result of an equal call of this turn, if there was one."""

    async def remember(self, step: int, request: ToolRequest, result: Result) -> None:
        """Keep a call's result."""


@dataclass(frozen=True)
class Answer:
    """What a turn came to. `sources` name the documents that its tools drew on, each once, in the order of their use."""

    text: str
    sources: tuple[str, ...] = ()
    steps: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    model: str = ""


class ContextOf(Protocol):
    """Makes the context of one call."""

    def __call__(self, call: str) -> ToolContext:
        """Return whose call this is."""


@dataclass
class Loop:
    """One run."""

    model: Model
    tools: Sequence[Tool]
    ledger: Ledger
    context: ContextOf
    most_steps: int
    model_name: str | None
    user: str
    reserve: Callable[[Sequence[Said]], Awaitable[None]]
    """Asks the budget; raises GatewayError where it is used up."""
    sampling: Sampling = field(default_factory=Sampling)
    steps: int = 0
    sources: list[str] = field(default_factory=list)

    async def run(self, messages: Sequence[Said]) -> Answer:
        """Let the model speak and use tools until it answers. Raises GatewayError when it does not."""
        said = [_seen(message) for message in messages]
        spoken: list[Completion] = []
        while True:
            offered = [tool.offer() for tool in self.tools] if self.steps < self.most_steps else []
            await self.reserve(said)
            faultpoints.before(Step.AGENT_MODEL)
            completion = await self.model.complete(
                said, offered, model=self.model_name, user=self.user, sampling=self.sampling
            )
            faultpoints.after(Step.AGENT_MODEL)
            spoken.append(completion)
            if not completion.tools or not offered:
                return self._answer(completion, spoken)
            said.append(_assistant(completion))
            results = await asyncio.gather(*(self.call(request) for request in completion.tools))
            said.extend(
                {"role": "tool", "tool_call_id": request.id, "content": result.text}
                for request, result in zip(completion.tools, results, strict=True)
            )
            self.sources += (source for result in results for source in result.sources)

    def _answer(self, last: Completion, spoken: Sequence[Completion]) -> Answer:
        text = clean(last.text)[:_LONGEST_ANSWER].strip()
        if not text:
            raise GatewayError(MODEL_EMPTY)
        return Answer(
            text=text,
            sources=tuple(dict.fromkeys(self.sources)),
            steps=self.steps,
            input_tokens=sum(completion.input_tokens for completion in spoken),
            output_tokens=sum(completion.output_tokens for completion in spoken),
            model=last.model,
        )

    async def call(self, request: ToolRequest) -> Result:
        """Run one requested tool; the result, also of a failure, is told to the model."""
        if self.steps >= self.most_steps:
            return Result(_TOO_MANY)
        self.steps += 1
        step = self.steps
        if (known := await self.ledger.recall(request)) is not None:
            return known
        tool = next((tool for tool in self.tools if tool.name == request.name), None)
        with span(
            "execute_tool", gen_ai__operation__name="execute_tool", gen_ai__tool__name=tool.name if tool else "unknown"
        ):
            faultpoints.before(Step.AGENT_TOOL)
            result, ok = await self._execute(tool, request)
            faultpoints.after(Step.AGENT_TOOL)
        log.info(TOOL_CALLED, tool=tool.name if tool else "unknown", step=step, ok=ok)
        faultpoints.before(Step.AGENT_REMEMBER)
        await self.ledger.remember(step, request, result)
        faultpoints.after(Step.AGENT_REMEMBER)
        return result

    async def _execute(self, tool: Tool | None, request: ToolRequest) -> tuple[Result, bool]:
        if tool is None:
            return Result("There is no tool of that name."), False
        try:
            said = cleaned(orjson.loads(request.arguments or "{}"))
        except (orjson.JSONDecodeError, RecursionError):
            return Result("The arguments are not valid JSON."), False
        try:
            result = await tool.run(tool.read(said), self.context(request.key))
        except Misfit as misfit:
            return _cleaned(Result(f"The arguments do not fit: {misfit}")), False
        except ToolFailed as failed:
            return _cleaned(Result(str(failed))), False
        return _cleaned(result if isinstance(result, Result) else Result(result)), True


def _seen(message: Said) -> Said:
    """Return a message without what the person who wrote it did not see either."""
    content = message.get("content")
    return {**message, "content": clean(content)} if isinstance(content, str) else message


def _cleaned(result: Result) -> Result:
    return Result(cut(clean(result.text)), tuple(map(clean, result.sources)))


def _assistant(completion: Completion) -> Said:
    calls = [
        {"id": request.id, "type": "function", "function": {"name": request.name, "arguments": request.arguments}}
        for request in completion.tools
    ]
    return {"role": "assistant", "content": completion.text or None, "tool_calls": calls}
