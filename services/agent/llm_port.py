"""The port to models: what is said to one, what comes back, and which other one is asked where it fails."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import orjson

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
class Completion:
    """What the model said: a text, or tools it wants first. `id`, `finish`: of the answer, as its server says."""

    text: str
    tools: tuple[ToolRequest, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    model: str = ""
    id: str = ""
    finish: str = ""


@dataclass(frozen=True)
class Sampling:
    """How a model shall answer, where that is not left to it. `most_tokens`: of an answer, within the platform's limit."""

    temperature: float | None = None
    most_tokens: int | None = None


AS_IT_LIKES = Sampling()


class Model(Protocol):
    """Completes a conversation."""

    async def complete(
        self,
        messages: Sequence[Said],
        tools: Sequence[Said],
        *,
        model: str | None,
        user: str,
        sampling: Sampling = AS_IT_LIKES,
    ) -> Completion:
        """Return the next thing said. Raises GatewayError: MODEL_UNAVAILABLE or MODEL_REFUSED."""


class Candidate(NamedTuple):
    """A model that may be asked: whose, and by which name; None is the server's default."""

    model: Model
    name: str | None
