"""The loop between model and tools: pure over its ports, five executed steps at most."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import orjson

from services.agent.budget import Spend
from services.agent.cleaning import clean, cleaned
from services.agent.llm_port import AS_IT_LIKES, Candidate, Completion, Said, Sampling, ToolRequest
from services.agent.tools import Result, Tool, ToolContext, ToolFailed
from shared import faultpoints
from shared.actions import Misfit
from shared.actions.mapping import cut
from shared.failures import MODEL_EMPTY, MODEL_REFUSED, MODEL_UNAVAILABLE, GatewayError
from shared.faultpoints import Step
from shared.telemetry import MODEL_FELL_BACK, TOOL_CALLED, log, span

_LONGEST_ANSWER = 16 * 1024

_FALL_BACK_ON = frozenset({MODEL_UNAVAILABLE, MODEL_REFUSED, MODEL_EMPTY})

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
    """One run. `models`: who is asked, the next one where one fails, and then for the rest of the run."""

    models: Sequence[Candidate]
    tools: Sequence[Tool]
    ledger: Ledger
    context: ContextOf
    most_steps: int
    user: str
    spend: Spend
    """Opens the bill of each call; raises GatewayError where the budget is used up."""
    sampling: Sampling = AS_IT_LIKES
    steps: int = 0
    sources: list[str] = field(default_factory=list)

    async def run(self, messages: Sequence[Said]) -> Answer:
        """Let the model speak and use tools until it answers. Raises GatewayError when it does not."""
        said = [_seen(message) for message in messages]
        spoken: list[Completion] = []
        while True:
            offered = [tool.offer() for tool in self.tools] if self.steps < self.most_steps else []
            completion = await self._complete(said, offered)
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

    async def _complete(self, said: Sequence[Said], offered: Sequence[Said]) -> Completion:
        """Return what a model says next: what it cannot say, the next one is asked for."""
        while True:
            try:
                return await self._asked(self.models[0], said, offered)
            except GatewayError as error:
                if len(self.models) == 1 or error.failure not in _FALL_BACK_ON:
                    raise
                log.warning(MODEL_FELL_BACK, failure=error.failure.code)
                self.models = self.models[1:]

    async def _asked(self, candidate: Candidate, said: Sequence[Said], offered: Sequence[Said]) -> Completion:
        async with self.spend(said, offered) as bill:
            faultpoints.before(Step.AGENT_MODEL)
            completion = await candidate.model.complete(
                said, offered, model=candidate.name, user=self.user, sampling=self.sampling
            )
            faultpoints.after(Step.AGENT_MODEL)
            bill.pay(completion, candidate.name)
        if not (completion.tools or completion.text.strip()):
            raise GatewayError(MODEL_EMPTY)
        return completion

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
        name = tool.name if tool else "unknown"
        with span(
            f"execute_tool {name}",
            gen_ai__operation__name="execute_tool",
            gen_ai__tool__name=name,
            gen_ai__tool__type="function",
            gen_ai__tool__call__id=request.id,
        ) as opened:
            faultpoints.before(Step.AGENT_TOOL)
            result, ok = await self._execute(tool, request)
            faultpoints.after(Step.AGENT_TOOL)
            if not ok:
                opened.set_attribute("error.type", "tool_failed")
        log.info(TOOL_CALLED, tool=name, step=step, ok=ok)
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
    if isinstance(content, list):
        return {
            **message,
            "content": [{**part, "text": clean(part["text"])} if "text" in part else part for part in content],
        }
    return {**message, "content": clean(content)} if isinstance(content, str) else message


def _cleaned(result: Result) -> Result:
    return Result(cut(clean(result.text)), tuple(map(clean, result.sources)))


def _assistant(completion: Completion) -> Said:
    calls = [
        {"id": request.id, "type": "function", "function": {"name": request.name, "arguments": request.arguments}}
        for request in completion.tools
    ]
    return {"role": "assistant", "content": completion.text or None, "tool_calls": calls}
