"""A product, or a listing: what is required of it, and what its row may leave to be understood."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from shared.catalogue.rows import each, read_rows
from shared.knowledge.folding import folded

_NO_NUL = r"^[^\x00]*$"
_ALIASES = {"title": "name", "link": "url", "sku": "id", "in_stock": "available", "availability": "available"}
"""Names that shops' feeds use too; a row's own field of the right name comes first."""

_OWN = frozenset({"id", "name", "description", "price", "currency", "available", "url"})
_IN_STOCK = {
    **dict.fromkeys(("in_stock", "in stock", "instock", "available", "preorder", "backorder", "onbackorder"), True),
    **dict.fromkeys(("out_of_stock", "out of stock", "outofstock", "unavailable", "sold", "discontinued"), False),
}
_PRICE = re.compile(r"(?P<amount>[0-9]+(?:[.,][0-9]{1,4})?)(?:\s*(?P<currency>[A-Za-z]{3}))?", re.ASCII)
_MOST_ATTRIBUTES, _MOST_VALUES = 40, 30

Short = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=_NO_NUL)]
AttributeName = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=_NO_NUL)]


class Item(BaseModel):
    """
    Something that a tenant offers. `attributes`: what else is said of it, by name; each may have several values.

    `price`: in `currency`, of three letters; None where it is not told.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, coerce_numbers_to_str=True)

    id: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_NO_NUL)]
    name: Short
    description: Annotated[str, StringConstraints(max_length=5000, pattern=_NO_NUL)] = ""
    price: Annotated[Decimal | None, Field(ge=0, max_digits=14, decimal_places=4)] = None
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{3}$", to_upper=True)] | None = None
    available: bool = True
    url: Annotated[str, StringConstraints(max_length=2000, pattern=r"^https?://[^\s\x00<>]+$")] | None = None
    attributes: Annotated[
        dict[AttributeName, Annotated[list[Short], Field(max_length=_MOST_VALUES)]], Field(max_length=_MOST_ATTRIBUTES)
    ] = Field(default_factory=dict)

    @field_validator("available", mode="before")
    @classmethod
    def _in_words(cls, value: Any) -> Any:  # noqa: ANN401 - whatever a file holds
        return _IN_STOCK.get(value.strip().lower(), value) if isinstance(value, str) else value

    @field_validator("attributes", mode="before")
    @classmethod
    def _as_lists(cls, value: Any) -> Any:  # noqa: ANN401
        return {name: _as_list(it) for name, it in value.items()} if isinstance(value, dict) else value

    @property
    def text(self) -> str:
        """What it is found by, beside its name."""
        said = [f"{name} {' '.join(values)}" for name, values in self.attributes.items()]
        return " ".join([self.description, self.id, *said])

    @property
    def facets(self) -> dict[str, list[str]]:
        """The attributes as they are compared."""
        return {folded(name): [folded(value) for value in values] for name, values in self.attributes.items()}

    @property
    def numbers(self) -> dict[str, float]:
        """The attributes that are numbers."""
        single = {name: values[0] for name, values in self.facets.items() if len(values) == 1}
        return {
            name: float(value) for name, value in single.items() if re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", value)
        }


def read_items(text: str, currency: str | None = None) -> list[Item]:
    """Return the items of a file. `currency`: of prices that name none. Raises Broken."""
    return each(read_rows(text), lambda row: item_of(row, currency), lambda item: item.id)


def item_of(row: Mapping[str, Any], currency: str | None) -> Item:
    """Return the item of a row. What is no field of ours is an attribute. Raises ValidationError."""
    named = {_ALIASES[name]: value for name, value in row.items() if name in _ALIASES} | dict(row)
    values = {name: value for name, value in named.items() if name in _OWN} | _priced(named.get("price"))
    if "price" in values and not values.get("currency"):
        values["currency"] = currency
    more = {name: value for name, value in row.items() if name not in _OWN | _ALIASES.keys() | {"attributes"}}
    told = row.get("attributes", {})
    values["attributes"] = {**more, **told} if isinstance(told, dict) else told
    return Item.model_validate(values)


def _priced(price: Any) -> dict[str, Any]:  # noqa: ANN401
    """Read `19.90 EUR` and `19,90`; anything else is left for the model to judge."""
    match = _PRICE.fullmatch(price.strip()) if isinstance(price, str) else None
    if match is None:
        return {} if price is None else {"price": price}
    amount = {"price": match["amount"].replace(",", ".")}
    return amount | ({"currency": match["currency"].upper()} if match["currency"] else {})


def _as_list(value: Any) -> Any:  # noqa: ANN401
    values = value if isinstance(value, list) else [value]
    return (
        [("yes" if it else "no") if isinstance(it, bool) else it for it in values if it not in {None, ""}]
        if _plain(values)
        else value
    )


def _plain(values: list[Any]) -> bool:
    return all(isinstance(it, (str, int, float, bool)) or it is None for it in values)
