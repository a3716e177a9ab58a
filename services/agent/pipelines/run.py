"""A turn's way through its pipeline: step after step, until one answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import orjson

from services.agent.language import language_of
from services.agent.llm_port import Candidate, Said, Sampling, ToolRequest
from services.agent.loop import Answer, Loop
from services.agent.media.seen import Seen
from services.agent.media.vision import Vision, shown, untold
from services.agent.meter import Tally
from services.agent.pipelines.setup import Setup
from services.agent.tools.semantic_search import SEMANTIC_SEARCH
from shared.failures import MEDIA_UNSEEN, GatewayError
from shared.pipelines import (
    MESSAGE,
    Branch,
    Handoff,
    Model,
    Pipeline,
    Reply,
    Retrieve,
    Step,
    Texts,
    Tool,
    When,
    filled,
)

_LONGEST_QUERY = 500

Taken = dict[str, str | int]
"""A step that was taken: which, where it stands in the document, and what came of it. It holds nothing that anybody said."""


@dataclass(frozen=True)
class Course:
    """How a turn went, for its row: the steps that it took, what its model was paid for, and whether a person has it now."""

    trail: tuple[Taken, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal | None = None
    handed_off: bool = False


@dataclass
class Run:
    """
    One run. `loop` has all tools; what its calls cost is in `tally`. `said`: the conversation up to what is asked, without a prompt.

    `asked`: what the person wants to know now. `keeps_model`: the loop's model answers, whatever the document names.
    """

    pipeline: Pipeline
    setup: Setup
    loop: Loop
    tally: Tally
    said: list[Said]
    asked: str
    keeps_model: bool = False
    trail: list[Taken] = field(default_factory=list)
    handed_off: bool = False
    vision: Vision = field(default_factory=Vision)
    seen: Seen = field(default_factory=Seen)

    def see(self, seen: Seen, remembered: Sequence[Said]) -> None:
        """Begin with what is remembered, and with what is asked and came with it."""
        self.seen, self.said = seen, [*remembered, *seen.asked]
        self.asked = seen.wrote

    @property
    def course(self) -> Course:
        """Return how it went so far."""
        tally = self.tally
        return Course(tuple(self.trail), tally.input_tokens, tally.output_tokens, tally.cost, self.handed_off)

    @property
    def steps(self) -> int:
        """How many tool calls were made so far."""
        return self.loop.steps

    async def answer(self) -> Answer:
        """Take the steps. Raises GatewayError where the model does not answer."""
        answer = await self._take(self.pipeline.steps, "steps")
        assert answer is not None, "a document that is read ends with an answer"  # noqa: S101
        return answer

    async def _take(self, steps: Sequence[Step], path: str) -> Answer | None:
        for number, step in enumerate(steps):
            answer = await self._take_one(step, f"{path}[{number}]")
            if answer is not None:
                return answer
        return None

    async def _take_one(self, step: Step, path: str) -> Answer | None:
        taken: Taken = {"step": step.step, "path": path}
        self.trail.append(taken)
        match step:
            case Branch():
                return await self._branch(step, taken, path)
            case Retrieve():
                await self._retrieve(step, taken)
            case Tool():
                await self._call(step.name, _filled(step.arguments, self._values), taken)
            case Model():
                return await self._ask(step)
            case Reply():
                return await self._fixed(step.text)
            case Handoff():
                self.handed_off = True
                return await self._fixed(step.text)
        return None

    async def _branch(self, step: Branch, taken: Taken, path: str) -> Answer | None:
        for number, case in enumerate(step.cases):
            if await self._holds(case.when):
                taken["took"] = f"cases[{number}]"
                return await self._take(case.steps, f"{path}.cases[{number}].steps")
        taken["took"] = "otherwise"
        return await self._take(step.otherwise, f"{path}.otherwise")

    async def _holds(self, when: When) -> bool:
        return (
            when.facts_hold(self.setup.facts.by_name)
            and (when.opening_hours is None or when.opening_hours.hold(self.setup.now))
            and (when.language is None or await self._language(when.language) in when.language)
        )

    async def _language(self, wanted: Sequence[str]) -> str | None:
        """Return the language of the message or, where it is too short to tell, of all that the person wrote."""
        wrote = [said["content"] for said in self.said if said["role"] == "user"]
        return await language_of([*wrote, self.asked], wanted)

    @property
    def _values(self) -> Mapping[str, str]:
        return {**self.setup.facts.by_name, MESSAGE: self.asked}

    async def _retrieve(self, step: Retrieve, taken: Taken) -> None:
        """Look something up where there is something to look it up in."""
        if all(tool.name != SEMANTIC_SEARCH.name for tool in self.loop.tools):
            taken["took"] = "no documents"
            return
        wanted = {"query": filled(step.query, self._values).strip()[:_LONGEST_QUERY], "document": step.document}
        await self._call(SEMANTIC_SEARCH.name, {name: it for name, it in wanted.items() if it is not None}, taken)

    async def _call(self, name: str, arguments: Mapping[str, Any], taken: Taken) -> None:
        """Call a tool as if the model had wanted it: it counts as a step, happens once, and its result is data."""
        request = ToolRequest(f"pipeline_{len(self.trail)}", name, orjson.dumps(arguments).decode())
        result = await self.loop.call(request)
        taken["tool"] = name
        self.loop.sources += result.sources
        call = {"name": name, "arguments": request.arguments}
        self.said += [
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": request.id, "type": "function", "function": call}],
            },
            {"role": "tool", "tool_call_id": request.id, "content": result.text},
        ]

    async def _ask(self, step: Model) -> Answer:
        first, *others = self.loop.models
        named = step.model if step.model is not None and not self.keeps_model else first.name
        models, said = self._shown([Candidate(first.model, named), *others])
        self.loop = replace(
            self.loop,
            models=models,
            tools=[tool for tool in self.loop.tools if step.tools is None or tool.name in step.tools],
            sampling=Sampling(step.temperature, step.most_tokens),
        )
        return await self.loop.run([self.setup.system_prompt(step.instructions, step.addition), *said])

    def _shown(self, models: Sequence[Candidate]) -> tuple[Sequence[Candidate], Sequence[Said]]:
        """Return who is asked, and what they are told: pictures are for those who see. Raises GatewayError where nobody does."""
        if not self.seen.pictures:
            return models, self.said
        if seeing := self.vision.seeing(models):
            return seeing, shown(self.said, self.seen.pictures)
        if self.seen.words:
            return models, untold(self.said)
        raise GatewayError(MEDIA_UNSEEN)

    async def _fixed(self, texts: Texts) -> Answer:
        language = await self._language([*texts]) if len(texts) > 1 else None
        text = texts.get(language or "", next(iter(texts.values())))
        return Answer(filled(text, self.setup.facts.by_name), steps=self.steps)


def _filled(value: Any, values: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    """Return arguments with the placeholders in their texts filled."""
    match value:
        case str():
            return filled(value, values)
        case list():
            return [_filled(item, values) for item in value]
        case dict():
            return {name: _filled(item, values) for name, item in value.items()}
    return value
