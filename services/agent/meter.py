"""Counts what models cost: tokens and money."""

from dataclasses import dataclass, field
from decimal import Decimal

from services.agent.llm_port import Completion
from services.agent.prices import Prices
from shared.ids import TenantId
from shared.metrics import MODEL_COST, MODEL_TOKENS


@dataclass
class Tally:
    """What the calls of one turn came to."""

    input_tokens: int = 0
    output_tokens: int = 0
    _spent: Decimal = Decimal(0)
    _priced: int = 0
    _calls: int = 0

    @property
    def cost(self) -> Decimal | None:
        """What they cost; None where a model that was asked has no price."""
        return self._spent if self._calls and self._priced == self._calls else None

    def add(self, completion: Completion, cost: Decimal | None) -> None:
        """Add a call."""
        self.input_tokens += completion.input_tokens
        self.output_tokens += completion.output_tokens
        self._calls += 1
        if cost is not None:
            self._spent += cost
            self._priced += 1


@dataclass(frozen=True)
class Meter:
    """The meter. `names_tenants`: whether metrics tell whose tokens they were; a label for each tenant is opted in to."""

    prices: Prices = field(default_factory=dict)
    names_tenants: bool = False

    def count(self, tenant: TenantId, model: str | None, completion: Completion) -> Decimal | None:
        """Count an answer of the model that was asked by this name, or of the default; return its cost where it has a price."""
        name = model or completion.model
        whose = tenant if self.names_tenants else ""
        MODEL_TOKENS.labels("input", name, whose).inc(completion.input_tokens)
        MODEL_TOKENS.labels("output", name, whose).inc(completion.output_tokens)
        price = self.prices.get(name) or self.prices.get(completion.model)
        if price is None:
            return None
        cost = price.of(completion.input_tokens, completion.output_tokens)
        MODEL_COST.labels(name, whose).inc(float(cost))
        return cost
