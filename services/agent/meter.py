"""Counts what models cost: tokens and money."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.agent.llm_port import Completion
from services.agent.settings import Price
from shared.ids import TenantId
from shared.telemetry import MODEL_COST, MODEL_TOKENS

_MILLION = 1_000_000


@dataclass(frozen=True)
class Meter:
    """The meter. `names_tenants`: whether metrics tell whose tokens they were; a label for each tenant is opted in to."""

    prices: Mapping[str, Price] = field(default_factory=dict)
    names_tenants: bool = False

    def count(self, tenant: TenantId, model: str | None, completion: Completion) -> None:
        """Count an answer of the model that was asked by this name, or of the default."""
        name = model or completion.model
        whose = tenant if self.names_tenants else ""
        MODEL_TOKENS.labels("input", name, whose).inc(completion.input_tokens)
        MODEL_TOKENS.labels("output", name, whose).inc(completion.output_tokens)
        if (price := self.prices.get(name)) is not None:
            cost = completion.input_tokens * price.told + completion.output_tokens * price.said
            MODEL_COST.labels(name, whose).inc(cost / _MILLION)
