"""The adapter of the model's port to any OpenAI-compatible API. The only file that knows openai."""

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import openai
import stamina
from opentelemetry.trace import Span, SpanKind

from services.agent.llm_answers import Unreadable, read
from services.agent.llm_port import AS_IT_LIKES, Candidate, Completion, Model, Said, Sampling, ToolRequest
from services.agent.settings import AgentSettings
from shared.failures import MODEL_REFUSED, MODEL_UNAVAILABLE, GatewayError
from shared.metrics import CALL_SECONDS, HOP_MODEL, TOKEN_USAGE, timed
from shared.telemetry import span

__all__ = ["Candidate", "Completion", "Model", "OpenAIModel", "Said", "Sampling", "ToolRequest", "open_model"]

_TRIES = 3
_FIRST_WAIT, _LONGEST_WAIT, _JITTER = 0.5, 4.0, 1.0
_PROVIDER = "openai"
"""What the conventions call the API that is spoken, whoever serves it."""

_MOST_BYTES = 4 * 1024 * 1024
"""Bytes of an answer that are read: far more than any number of tokens that is asked for."""

_MAY_PASS = frozenset({408, 409, 425, 429})
_FIRST_SERVER_ERROR = 500
_STREAM = re.compile(r"\bstream")
_MISUNDERSTOOD = frozenset({400, 422})


class _Broken(Exception):
    """The connection broke, or the answer went on for ever."""


@dataclass
class _Habits:
    """What a model turned out to want otherwise than most: answers in pieces, or another name for the limit of tokens."""

    streams: bool = False
    limit_name: str = "max_tokens"

    def learn(self, error: openai.APIStatusError) -> bool:
        """Take a refusal as a hint; return whether it makes sense to ask again."""
        hint = str(error.body or error.message).lower()
        if error.status_code not in _MISUNDERSTOOD:
            return False
        if "max_completion_tokens" in hint and self.limit_name == "max_tokens":
            self.limit_name = "max_completion_tokens"
            return True
        if _STREAM.search(hint) and not self.streams:
            self.streams = True
            return True
        return False


@dataclass(frozen=True)
class _Call:
    messages: Sequence[Said]
    tools: Sequence[Said]
    model: str
    user: str
    sampling: Sampling


@dataclass(frozen=True)
class OpenAIModel:
    """The adapter. `call_limit`: seconds that one call may take, with all its tries."""

    client: openai.AsyncOpenAI
    default_model: str
    most_tokens: int
    call_limit: float = 30.0
    _habits: dict[str, _Habits] = field(default_factory=dict)

    async def complete(
        self,
        messages: Sequence[Said],
        tools: Sequence[Said],
        *,
        model: str | None,
        user: str,
        sampling: Sampling = AS_IT_LIKES,
    ) -> Completion:
        """Ask the API; what may pass is tried again, twice, after a pause with jitter or as long as the server asks."""
        name = model or self.default_model
        with _observed(name, self._attributes(name, user, sampling)) as opened:
            try:
                async with asyncio.timeout(self.call_limit):
                    completion = await self._retried(_Call(messages, tools, name, user, sampling))
            except (TimeoutError, Unreadable, _Broken, openai.APIConnectionError) as error:
                raise GatewayError(MODEL_UNAVAILABLE) from error
            except openai.APIStatusError as error:
                raise GatewayError(MODEL_UNAVAILABLE if _may_pass(error) else MODEL_REFUSED) from error
            except openai.OpenAIError as error:
                raise GatewayError(MODEL_REFUSED) from error
            _tell(opened, completion, name)
        return completion

    def _attributes(self, name: str, user: str, sampling: Sampling) -> Mapping[str, str | int | float]:
        url = self.client.base_url
        chosen = {} if sampling.temperature is None else {"gen_ai.request.temperature": sampling.temperature}
        return chosen | {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": _PROVIDER,
            "gen_ai.request.model": name,
            "gen_ai.request.max_tokens": self._most(sampling),
            "gen_ai.conversation.id": user,
            "server.address": url.host,
            "server.port": url.port or 443,
        }

    def _most(self, sampling: Sampling) -> int:
        return min(self.most_tokens, sampling.most_tokens or self.most_tokens)

    async def _retried(self, call: _Call) -> Completion:
        attempts = stamina.retry_context(
            on=_again_until(time.monotonic() + self.call_limit),
            attempts=_TRIES,
            timeout=self.call_limit,
            wait_initial=_FIRST_WAIT,
            wait_max=_LONGEST_WAIT,
            wait_jitter=_JITTER,
        )
        async for attempt in attempts:
            with attempt:
                return read(await self._understood(call), call.model)
        raise AssertionError("the last attempt returns or raises")

    async def _understood(self, call: _Call) -> bytes:
        """Ask; where the server says what it wants otherwise, ask so, now and from now on."""
        habits = self._habits.setdefault(call.model, _Habits())
        while True:
            try:
                return await self._ask(call, habits)
            except openai.APIStatusError as error:
                if not habits.learn(error):
                    raise

    async def _ask(self, call: _Call, habits: _Habits) -> bytes:
        wanted: dict[str, Any] = {"model": call.model, "messages": list(call.messages), "user": call.user}
        wanted[habits.limit_name] = self._most(call.sampling)
        if call.tools:
            wanted["tools"] = list(call.tools)
        if call.sampling.temperature is not None:
            wanted["temperature"] = call.sampling.temperature
        if habits.streams:
            wanted |= {"stream": True, "stream_options": {"include_usage": True}}
        async with self.client.chat.completions.with_streaming_response.create(**wanted) as response:
            return await _whole(response.iter_bytes())


async def _whole(pieces: AsyncIterator[bytes]) -> bytes:
    """Return a body, if it is one of a size that an answer can have. Raises _Broken."""
    body = bytearray()
    try:
        async for piece in pieces:
            body += piece
            if len(body) > _MOST_BYTES:
                break
    except Exception as error:  # whatever the transport raises while it reads
        raise _Broken from error
    if len(body) > _MOST_BYTES:
        raise _Broken
    return bytes(body)


def _again_until(deadline: float) -> Callable[[Exception], bool | float]:
    """Return what decides about a further try: no, yes after a pause, or after so many seconds as the server asks for."""

    def again(error: Exception) -> bool | float:
        if isinstance(error, openai.APIStatusError):
            if not _may_pass(error):
                return False
            wait = _asked_to_wait(error)
            if wait is None:
                return True
            return wait + random.uniform(0, _JITTER) if time.monotonic() + wait < deadline else False  # noqa: S311 - jitter
        return isinstance(error, openai.APIConnectionError | Unreadable | _Broken)

    return again


def _may_pass(error: openai.APIStatusError) -> bool:
    return error.status_code in _MAY_PASS or error.status_code >= _FIRST_SERVER_ERROR


def _asked_to_wait(error: openai.APIStatusError) -> float | None:
    """Return the seconds that a server asks to wait, which it may say as a date (RFC 9110, section 10.2.3)."""
    said = error.response.headers.get("retry-after", "")
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, (until - datetime.now(UTC if until.tzinfo else None)).total_seconds())


@contextmanager
def _observed(name: str, attributes: Mapping[str, str | int | float]) -> Iterator[Span]:
    """Tell of a call in a span and in metrics, by OpenTelemetry's GenAI conventions; never what is said."""
    began, reason = time.monotonic(), ""
    with timed(HOP_MODEL), span(f"chat {name}", kind=SpanKind.CLIENT) as opened:
        opened.set_attributes(attributes)
        try:
            yield opened
        except BaseException as error:
            reason = error.failure.code if isinstance(error, GatewayError) else type(error).__name__
            opened.set_attribute("error.type", reason)
            raise
        finally:
            CALL_SECONDS.labels("chat", _PROVIDER, name, reason).observe(time.monotonic() - began)


def _tell(opened: Span, completion: Completion, name: str) -> None:
    opened.set_attribute("gen_ai.response.model", completion.model)
    opened.set_attribute("gen_ai.usage.input_tokens", completion.input_tokens)
    opened.set_attribute("gen_ai.usage.output_tokens", completion.output_tokens)
    if completion.id:
        opened.set_attribute("gen_ai.response.id", completion.id)
    if completion.finish:
        opened.set_attribute("gen_ai.response.finish_reasons", [completion.finish])
    for kind, tokens in (("input", completion.input_tokens), ("output", completion.output_tokens)):
        if tokens:
            TOKEN_USAGE.labels("chat", _PROVIDER, name, kind).observe(tokens)


@asynccontextmanager
async def open_model(settings: AgentSettings) -> AsyncIterator[OpenAIModel]:
    """Hold a client of the model's API for the length of the block."""
    key = settings.openai_api_key.get_secret_value()
    async with _client(settings.openai_base_url, key, settings.agent.call_limit) as client:
        yield OpenAIModel(client, settings.model, settings.agent.most_tokens, settings.agent.call_limit)


@asynccontextmanager
async def open_fallback(settings: AgentSettings, model: Model) -> AsyncIterator[Candidate | None]:
    """
    Hold what is asked where a model fails, for the length of the block: None where nothing is set.

    `model`: the first one's server, which is asked for the other model where no other server is named.
    """
    fallback = settings.fallback
    if fallback.base_url is None:
        yield Candidate(model, fallback.model) if fallback.model else None
        return
    key = (fallback.api_key or settings.openai_api_key).get_secret_value()
    async with _client(fallback.base_url, key, settings.agent.call_limit) as client:
        other = OpenAIModel(client, settings.model, settings.agent.most_tokens, settings.agent.call_limit)
        yield Candidate(other, fallback.model)


def _client(url: str, key: str, limit: float) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=url, api_key=key, timeout=limit, max_retries=0)
