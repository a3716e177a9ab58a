"""What a tool is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from shared.ids import ConversationId, TenantId, TurnId


class ToolFailed(Exception):
    """The tool could not do it. The text goes to the model, which may put it right."""


class Submissions(Protocol):
    """Where contact forms go."""

    async def submit(self, context: "ToolContext", body: dict[str, str]) -> None:
        """Store a form, once per turn and call."""


@dataclass(frozen=True)
class ToolContext:
    """Whose call it is. Identity comes from here, never from a model's arguments."""

    tenant: TenantId
    conversation: ConversationId
    turn: TurnId
    call: str
    """Idempotency key within the turn: a side effect happens once for it, whatever crashes or starts over."""
    submissions: Submissions


class Arguments(BaseModel):
    """Arguments of a tool: what is not declared is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


@dataclass(frozen=True)
class Tool:
    """A name, what the model reads of it, its arguments, and what it does."""

    name: str
    description: str
    arguments: type[Arguments]
    run: Callable[[Any, ToolContext], Awaitable[str]]

    def offer(self) -> dict[str, Any]:
        """Return the tool as a model is offered it."""
        function = {"name": self.name, "description": self.description, "parameters": _schema(self.arguments)}
        return {"type": "function", "function": function}


@cache
def _schema(arguments: type[Arguments]) -> dict[str, Any]:
    return arguments.model_json_schema()
