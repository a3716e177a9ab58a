"""What models cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

_PER = 1_000_000


@dataclass(frozen=True)
class Price:
    """Of a million tokens: told to a model, and said by it."""

    told: Decimal
    said: Decimal

    @property
    def is_one(self) -> bool:
        """Tell whether both are numbers that something can cost."""
        return all(price.is_finite() and price >= 0 for price in (self.told, self.said))

    def of(self, input_tokens: int, output_tokens: int) -> Decimal:
        """Return what a call came to."""
        return (self.told * input_tokens + self.said * output_tokens) / _PER


Prices = Mapping[str, Price]
"""By model, as agents and answers name it; all in one currency."""
