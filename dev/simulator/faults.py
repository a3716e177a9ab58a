"""Faults on order: what the fake Twilio does wrong, how often, and to whom."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

KINDS: Mapping[str, str] = {
    "429": "create: answered 429, not processed",
    "500_before": "create: answered 500, not accepted",
    "500_after": "create: accepted, answered 500",
    "hang": "create: accepted, no answer for `seconds`",
    "drop_before": "create: connection closed, not accepted",
    "drop_after": "create: accepted, connection closed",
    "401": "create: answered 401",
    "error": "create: answered `status` with `code`",
    "latency": "create: answered after `seconds`",
    "undelivered": "accepted, then reported undelivered with `code`",
    "failed": "accepted, then reported failed with `code`",
    "callback_lost": "no callbacks for the message",
    "callback_late": "callbacks `seconds` later",
    "callback_reordered": "callbacks in reverse order",
    "callback_duplicated": "each callback twice",
    "callback_before_201": "`sent` is reported before the create is answered",
    "list_500": "list: answered 500",
    "list_lag": "list: messages of the last `seconds` are not in it",
    "bad_signature": "webhook: wrong signature",
    "no_signature": "webhook: no signature",
    "webhook_delay": "webhook: `seconds` later",
}
"""Every kind, and what it does."""

CREATE = ("429", "500_before", "500_after", "hang", "drop_before", "drop_after", "401", "error", "latency")
OUTCOME = ("undelivered", "failed")
CALLBACK = ("callback_lost", "callback_late", "callback_reordered", "callback_duplicated")
WEBHOOK = ("bad_signature", "no_signature", "webhook_delay")


class UnknownKind(ValueError):
    """There is no such fault."""


class Fault(BaseModel):
    """One order. `times`: how often it still happens; `probability`: how likely each time, without end."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    times: Annotated[int, Field(ge=0)] = 1
    probability: Annotated[float, Field(ge=0, le=1)] | None = None
    to: str | None = None
    seconds: Annotated[float, Field(ge=0, le=3600)] = 1.0
    code: Annotated[int, Field(ge=1, le=99999)] = 63016
    status: Annotated[int, Field(ge=400, le=599)] = 400

    def strikes(self, to: str) -> bool:
        """Tell whether it happens now, and count it."""
        if self.to is not None and self.to != to:
            return False
        if self.probability is not None:
            return random.random() < self.probability
        if self.times <= 0:
            return False
        self.times -= 1
        return True


@dataclass
class Faults:
    """All orders, oldest first."""

    orders: list[Fault] = field(default_factory=list)

    def add(self, order: Mapping[str, Any]) -> Fault:
        """Take an order; `match` may name who it strikes. Raises `UnknownKind` or pydantic's ValidationError."""
        wanted = dict(order)
        match = wanted.pop("match", None) or {}
        fault = Fault.model_validate(wanted | (match if isinstance(match, dict) else {"match": match}))
        if fault.kind not in KINDS:
            raise UnknownKind(fault.kind)
        self.orders.append(fault)
        return fault

    def take(self, kinds: tuple[str, ...], to: str) -> Fault | None:
        """Return the first order of these kinds that strikes now."""
        return next((fault for fault in self.orders if fault.kind in kinds and fault.strikes(to)), None)
