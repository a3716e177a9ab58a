"""What a tool is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.actions import Misfit, Parameters
from shared.catalogue import Found as Items
from shared.catalogue import Kind, Wanted
from shared.ids import AgentId, ConversationId, TenantId, TurnId
from shared.knowledge import Found


class ToolFailed(Exception):
    """The tool could not do it. The text goes to the model, which may put it right."""


class Submissions(Protocol):
    """Where contact forms go."""

    async def submit(self, context: "ToolContext", body: dict[str, str]) -> None:
        """Store a form, once per turn and call."""


class Passages(Protocol):
    """Where agents look things up."""

    async def search(
        self, tenant: TenantId, agent: AgentId, query: str, most: int, document: str | None = None
    ) -> Found:
        """Return the passages that answer a query best, at most so many; of one document where it is named."""


class Shop(Protocol):
    """What the tenant sells, and what was ordered of it."""

    async def find(self, tenant: TenantId, kind: Kind, wanted: Wanted, most: int) -> Items:
        """Return a tenant's items that fit best, at most so many. Raises SearchTooSlow."""

    async def order(self, context: "ToolContext", number: str) -> str:
        """Return an order of whom the conversation is with, as data; without a number the latest. Raises ToolFailed."""


@dataclass(frozen=True)
class Equipment:
    """What an agent has been set up with, as it was read with its turn."""

    documents: bool = False
    products: bool = False
    listings: bool = False
    orders: bool = False


@dataclass(frozen=True)
class Result:
    """What a tool came to. `sources`: names of the documents that it comes from, in the order of their use."""

    text: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class ToolContext:
    """Whose call it is. Identity comes from here, never from a model's arguments."""

    tenant: TenantId
    agent: AgentId
    conversation: ConversationId
    turn: TurnId
    call: str
    """Idempotency key within the turn: a side effect happens once for it, whatever crashes or starts over."""
    submissions: Submissions
    knowledge: Passages
    shop: Shop | None = None
    """None where nothing is sold; then no tool that asks for it is offered."""

    @property
    def open_shop(self) -> Shop:
        """The shop. Raises ToolFailed where there is none."""
        if self.shop is None:
            raise ToolFailed("Nothing is sold here.")
        return self.shop


class Arguments(BaseModel):
    """Arguments of a tool: what is not declared is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


Run = Callable[[Any, ToolContext], Awaitable[str | Result]]
"""Runs a tool with what its parameters have read."""


@dataclass(frozen=True)
class Tool:
    """
    A name, what the model reads of it, its arguments, what it does, and which agents have a use for it: else all.

    `arguments`: a class of ours, or a tenant's JSON schema; `run` gets an instance of the one, a dict for the other.
    """

    name: str
    description: str
    arguments: type[Arguments] | Parameters
    run: Run
    suits: Callable[[Equipment], bool] = lambda _: True
    has_side_effect: bool = True
    """Whether a call may change something anywhere: then it is not made where a pipeline is only tried out."""

    def offer(self) -> dict[str, Any]:
        """Return the tool as a model is offered it."""
        schema = self.arguments.schema if isinstance(self.arguments, Parameters) else _schema(self.arguments)
        function = {"name": self.name, "description": self.description, "parameters": schema}
        return {"type": "function", "function": function}

    def read(self, arguments: object) -> Any:  # noqa: ANN401 - what `run` takes
        """Return what a model said as arguments. Raises Misfit, in words for the model."""
        if isinstance(self.arguments, Parameters):
            return self.arguments.read(arguments)
        try:
            return self.arguments.model_validate(arguments)
        except ValidationError as error:
            faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
            raise Misfit("; ".join(faults)) from None


@cache
def _schema(arguments: type[Arguments]) -> dict[str, Any]:
    return arguments.model_json_schema()
