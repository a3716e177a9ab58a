"""The model: a port, and its adapter to any OpenAI-compatible API. The only file that knows openai."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import openai
import orjson
from openai.types.chat import ChatCompletion

from services.agent.settings import AgentSettings
from shared.failures import MODEL_REFUSED, MODEL_UNAVAILABLE, GatewayError
from shared.telemetry import HOP_MODEL, HOPS, MODEL_TOKENS, span

_RETRIES = 2

Said = dict[str, Any]
"""A message in the chat-completions form."""


@dataclass(frozen=True)
class ToolRequest:
    """The model wants a tool. `arguments` is JSON as the model wrote it, which may be no JSON at all."""

    id: str
    name: str
    arguments: str

    @property
    def key(self) -> str:
        """Return what an equal call has too, however its JSON is laid out: tools do not repeat it within a turn."""
        try:
            arguments = orjson.dumps(orjson.loads(self.arguments), option=orjson.OPT_SORT_KEYS)
        except (
            orjson.JSONDecodeError,
            orjson.JSONEncodeError,
        ):  # the latter for what is nested too deeply to be written
            arguments = self.arguments.encode(errors="replace")
        return hashlib.sha256(self.name.encode() + b"\n" + arguments).hexdigest()[:32]


@dataclass(frozen=True)
class Sampling:
    """How a model shall answer, where that is not left to it. `most_tokens`: of an answer, within the platform's limit."""

    temperature: float | None = None
    most_tokens: int | None = None


@dataclass(frozen=True)
class Completion:
    """What the model said: a text, or tools it wants first."""

    text: str
    tools: tuple[ToolRequest, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    model: str = ""
    said: Said = field(default_factory=dict)


class Model(Protocol):
    """Completes a conversation."""

    async def complete(
        self, messages: Sequence[Said], tools: Sequence[Said], *, model: str | None, user: str, sampling: Sampling
    ) -> Completion:
        """Return the next thing said. Raises GatewayError: MODEL_UNAVAILABLE or MODEL_REFUSED."""


@dataclass(frozen=True)
class OpenAIModel:
    """The adapter."""

    client: openai.AsyncOpenAI
    default_model: str
    most_tokens: int

    async def complete(
        self, messages: Sequence[Said], tools: Sequence[Said], *, model: str | None, user: str, sampling: Sampling
    ) -> Completion:
        """Ask the API once; the client retries what may pass, twice, with jitter."""
        name = model or self.default_model
        with (
            HOPS.labels(HOP_MODEL).time(),
            span(
                "chat", gen_ai__operation__name="chat", gen_ai__request__model=name, gen_ai__provider__name="openai"
            ) as opened,
        ):
            completion = _read(await self._ask(messages, tools, name, user, sampling), name)
            opened.set_attribute("gen_ai.usage.input_tokens", completion.input_tokens)
            opened.set_attribute("gen_ai.usage.output_tokens", completion.output_tokens)
        MODEL_TOKENS.labels("input").inc(completion.input_tokens)
        MODEL_TOKENS.labels("output").inc(completion.output_tokens)
        return completion

    async def _ask(
        self, messages: Sequence[Said], tools: Sequence[Said], model: str, user: str, sampling: Sampling
    ) -> ChatCompletion:
        more: dict[str, Any] = {"tools": list(tools)} if tools else {}
        if sampling.temperature is not None:
            more["temperature"] = sampling.temperature
        try:
            return await self.client.chat.completions.create(
                model=model,
                messages=list(messages),  # type: ignore[arg-type]  # plain dicts are what the API takes
                max_tokens=min(self.most_tokens, sampling.most_tokens or self.most_tokens),
                user=user,
                **more,
            )
        except (openai.APIConnectionError, openai.RateLimitError, openai.InternalServerError) as error:
            raise GatewayError(MODEL_UNAVAILABLE) from error
        except openai.OpenAIError as error:
            raise GatewayError(MODEL_REFUSED) from error


@asynccontextmanager
async def open_model(settings: AgentSettings) -> AsyncIterator[OpenAIModel]:
    """Hold a client for the length of the block."""
    async with openai.AsyncOpenAI(
        base_url=settings.openai_base_url,
        api_key=settings.openai_api_key.get_secret_value(),
        timeout=settings.agent.call_limit,
        max_retries=_RETRIES,
    ) as client:
        yield OpenAIModel(client, settings.model, settings.agent.most_tokens)


def _read(answer: ChatCompletion, model: str) -> Completion:
    """Read an answer of whatever server it is; missing choices are an empty text."""
    message = answer.choices[0].message if answer.choices else None
    usage = answer.usage
    requests = tuple(
        ToolRequest(call.id, call.function.name, call.function.arguments)
        for call in (message.tool_calls or () if message else ())
        if call.type == "function"
    )
    return Completion(
        text=(message.content or "") if message else "",
        tools=requests,
        input_tokens=usage.prompt_tokens if usage else 0,
        output_tokens=usage.completion_tokens if usage else 0,
        model=answer.model or model,
    )
