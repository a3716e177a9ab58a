"""What the model calls of one turn came to: tokens, and their cost where every model that was used has a price."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from services.agent.llm import Completion, Model, Said, Sampling
from services.agent.prices import Prices


@dataclass
class Metered:
    """A model whose calls are added up."""

    model: Model
    prices: Prices = field(default_factory=dict)
    input_tokens: int = 0
    output_tokens: int = 0
    _spent: Decimal = Decimal(0)
    _is_known: bool = True

    @property
    def cost(self) -> Decimal | None:
        """What the calls cost; None where a price is not known."""
        return self._spent if self._is_known and self.prices else None

    async def complete(
        self, messages: Sequence[Said], tools: Sequence[Said], *, model: str | None, user: str, sampling: Sampling
    ) -> Completion:
        """Ask the model, and note what it took."""
        completion = await self.model.complete(messages, tools, model=model, user=user, sampling=sampling)
        self.input_tokens += completion.input_tokens
        self.output_tokens += completion.output_tokens
        price = self.prices.get(completion.model) or self.prices.get(model or "")
        if price is None:
            self._is_known = False
        else:
            self._spent += price.of(completion.input_tokens, completion.output_tokens)
        return completion
