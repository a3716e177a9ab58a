"""
What models may cost: tokens are held before each call, and what it cost is counted after it (ADR 20).

A call is estimated by its bytes: one token for each two of them. Tokenizers make three or four bytes of a language's common
words into one, so this is more than most calls cost; it is settled to what the server says.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from services.agent.llm_port import Completion, Said
from services.agent.meter import Meter, Tally
from shared.failures import GatewayError
from shared.ids import ConversationId, TenantId, TurnId

_TOKENS_A_PICTURE = 1600
"""At most, by what is known of models that see: they are shown it in some 1,500 tokens, however large it is."""

_BYTES_A_TOKEN = 2


@dataclass(frozen=True)
class Limits:
    """Most tokens, in and out together, of one message's turn, of a conversation, of a tenant's day by UTC. None: no limit."""

    message: int | None = None
    conversation: int | None = None
    day: int | None = None


@dataclass(frozen=True)
class Spender:
    """Whose tokens a call spends."""

    tenant: TenantId
    conversation: ConversationId
    turn: TurnId
    limits: Limits

    def accounts(self) -> Iterator[tuple[str, int]]:
        """Yield the accounts that have a limit; which day it is, the database knows."""
        named = {
            f"conversation/{self.conversation}": self.limits.conversation,
            "day": self.limits.day,
            f"message/{self.turn}": self.limits.message,
        }
        yield from ((account, limit) for account, limit in named.items() if limit is not None)


class Budget(Protocol):
    """Holds tokens and counts them."""

    async def hold(self, spender: Spender, tokens: int) -> None:
        """Hold so many for the turn's next call. Raises GatewayError, by whose limit they would be too many."""

    async def settle(self, spender: Spender, tokens: int) -> None:
        """Count what the call cost in place of what was held for it."""


class Unlimited:
    """Grants everything, and counts nothing."""

    async def hold(self, spender: Spender, tokens: int) -> None:
        """Refuse nothing."""

    async def settle(self, spender: Spender, tokens: int) -> None:
        """Count nothing."""


def estimate(messages: Sequence[Said], tools: Sequence[Said] = ()) -> int:
    """Return how many tokens it takes at most, in any common language, to tell a model this."""
    told = [*map(_without_pictures, messages), *tools]
    pictures = sum(len(_pictures(message)) for message in messages)
    return tokens_of(json.dumps(told, ensure_ascii=False, separators=(",", ":"))) + pictures * _TOKENS_A_PICTURE


def _pictures(message: Said) -> list[Said]:
    content = message.get("content")
    return [part for part in content if part["type"] == "image_url"] if isinstance(content, list) else []


def _without_pictures(message: Said) -> Said:
    pictures = _pictures(message)
    return {**message, "content": [it for it in message["content"] if it not in pictures]} if pictures else message


def tokens_of(text: str) -> int:
    """Return how many tokens a text has at most."""
    return -(-len(text.encode(errors="replace")) // _BYTES_A_TOKEN)


@dataclass
class Bill:
    """What a call costs: as far as is known, what the model was told."""

    told: int
    count: Callable[[str | None, Completion], None] = lambda _model, _completion: None
    tokens: int = 0

    def pay(self, completion: Completion, model: str | None) -> None:
        """Take what the server counted; where it counts nothing, what is estimated. `model`: who was asked, by name."""
        counted = completion.input_tokens + completion.output_tokens
        self.tokens = counted or self.told + tokens_of(completion.text)
        self.count(model, completion)


Spend = Callable[[Sequence[Said], Sequence[Said]], AbstractAsyncContextManager[Bill]]
"""Opens the bill of one call, by what the model is told and offered. Raises GatewayError where it would be too much."""


@dataclass(frozen=True)
class Purse:
    """
    What one turn pays with.

    `most_answer`: tokens that a call may answer with. `meter`: counts for the metrics; `tally`: for the turn.
    """

    budget: Budget
    spender: Spender
    most_answer: int
    meter: Meter = field(default_factory=Meter)
    tally: Tally = field(default_factory=Tally)

    @asynccontextmanager
    async def spend(self, messages: Sequence[Said], tools: Sequence[Said]) -> AsyncIterator[Bill]:
        """Hold what a call may cost, and settle what it did: nothing where it failed, what was told where it was broken off."""
        told = estimate(messages, tools)
        await self.budget.hold(self.spender, told + self.most_answer)
        bill = Bill(told, self._count, tokens=told)
        try:
            yield bill
        except GatewayError:
            bill.tokens = 0
            raise
        finally:
            await self.budget.settle(self.spender, bill.tokens)

    def _count(self, model: str | None, completion: Completion) -> None:
        self.tally.add(completion, self.meter.count(self.spender.tenant, model, completion))
