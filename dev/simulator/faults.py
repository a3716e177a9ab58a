"""Faults on order: what the fake Twilio does wrong, how often, and to whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from dev.simulator.news import News

KINDS: Mapping[str, str] = {
    "429": "create: answered 429, not processed",
    "500_before": "create: answered 500, not accepted",
    "500_after": "create: accepted, answered 500",
    "hang": "create: accepted, no answer for `seconds`",
    "drop_before": "create: connection closed, not accepted",
    "drop_after": "create: accepted, connection closed",
    "401": "create: answered 401",
    "error": "create: answered `status` with `code`",
    "latency": "create: answered after `seconds` and up to `jitter` more",
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
    "wrong_url": "webhook: signed for another host",
    "wrong_port": "webhook: signed for another port",
    "port_variant": "webhook: signed with the port left off, or written out; genuine all the same",
    "webhook_delay": "webhook: `seconds` later",
    "duplicate": "message: delivered twice, with one token",
    "fallback": "message: taken, and requested again at the fallback URL",
    "swapped": "message: held until the next one was delivered, at most `seconds`",
    "extra_fields": "message: with fields that nobody knows",
    "blank_body": "message: with a blank Body",
    "get": "message: requested with GET, its form in the query",
}
"""Every kind, and what it does."""

LATENCY = ("latency",)
CREATE = ("429", "500_before", "500_after", "hang", "drop_before", "drop_after", "401", "error")
OUTCOME = ("undelivered", "failed")
CALLBACK = ("callback_lost", "callback_late", "callback_reordered", "callback_duplicated")
SIGNATURE = ("bad_signature", "no_signature", "wrong_url", "wrong_port", "port_variant")
WEBHOOK = ("webhook_delay",)
INBOUND = ("duplicate", "fallback", "swapped", "extra_fields", "blank_body", "get")


class UnknownKind(ValueError):
    """There is no such fault."""


class Fault(BaseModel):
    """
    One order. `times`: how often it still happens; `probability`: how likely each time, without end.

    `switch`: the switch that ordered it, where it was one.
    """

    model_config = ConfigDict(extra="forbid")

    kind: str
    times: Annotated[int, Field(ge=0)] = 1
    probability: Annotated[float, Field(ge=0, le=1)] | None = None
    to: str | None = None
    seconds: Annotated[float, Field(ge=0, le=3600)] = 1.0
    jitter: Annotated[float, Field(ge=0, le=3600)] = 0.0
    code: Annotated[int, Field(ge=1, le=99999)] = 63016
    status: Annotated[int, Field(ge=400, le=599)] = 400
    switch: str | None = None

    @property
    def is_live(self) -> bool:
        """Tell whether it may still strike."""
        return self.probability is not None or self.times > 0

    def strikes(self, to: str, chance: Random) -> bool:
        """Tell whether it happens now, and count it."""
        if self.to is not None and self.to != to:
            return False
        if self.probability is not None:
            return chance.random() < self.probability
        if self.times <= 0:
            return False
        self.times -= 1
        return True


@dataclass
class Faults:
    """All orders, oldest first. `news`: told of what becomes of them; `chance`: decides what is only likely."""

    news: News = field(default_factory=News)
    chance: Random = field(default_factory=Random)
    orders: list[Fault] = field(default_factory=list)

    def add(self, order: Mapping[str, Any]) -> Fault:
        """Take an order; `match` may name who it strikes. Raises `UnknownKind` or pydantic's ValidationError."""
        wanted = dict(order)
        match = wanted.pop("match", None) or {}
        fault = Fault.model_validate(wanted | (match if isinstance(match, dict) else {"match": match}))
        if fault.kind not in KINDS:
            raise UnknownKind(fault.kind)
        self.orders.append(fault)
        self.news.tell()
        return fault

    def drop(self, switch: str | None = None) -> None:
        """Take back what a switch ordered, or everything."""
        self.orders = [fault for fault in self.orders if switch is not None and fault.switch != switch]
        self.news.tell()

    def take(self, kinds: tuple[str, ...], to: str) -> Fault | None:
        """Return the first order of these kinds that strikes now."""
        found = next((it for it in self.orders if it.kind in kinds and it.strikes(to, self.chance)), None)
        if found is not None and found.probability is None:
            self.news.tell()
        return found

    def take_each(self, kinds: tuple[str, ...], to: str) -> list[Fault]:
        """Return of each of these kinds the first order that strikes now."""
        return [fault for kind in kinds if (fault := self.take((kind,), to))]
