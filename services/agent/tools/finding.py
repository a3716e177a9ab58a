"""What `find_product` and `find_listing` have in common: what a model may ask for, and how it is told what there is."""

from collections.abc import Sequence
from typing import Annotated, Any

import orjson
from pydantic import Field

from services.agent.tools.tool import Arguments, ToolContext, ToolFailed
from shared.catalogue import Kind, Wanted
from shared.knowledge import SearchTooSlow

_MOST_ITEMS = 8
_MOST_BYTES = 8 * 1024
_LONGEST_DESCRIPTION = 400

Price = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
Bound = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=60)]


class Finding(Arguments):
    """What is looked for. Nothing at all: whatever there is."""

    query: str = Field("", max_length=300, description="Words of its name or description, as the person says them.")
    min_price: Price | None = Field(None, description="In the currency of the catalogue.")
    max_price: Price | None = Field(None, description="In the currency of the catalogue.")
    available_only: bool = Field(False, description="Whether only what can be had now is wanted.")
    attributes: dict[Name, Annotated[str, Field(max_length=300)]] = Field(
        default_factory=dict, max_length=10, description="Exact values by name, such as colour: red."
    )
    at_least: dict[Name, Bound] = Field(
        default_factory=dict, max_length=10, description="Smallest values of attributes that are numbers."
    )
    at_most: dict[Name, Bound] = Field(
        default_factory=dict, max_length=10, description="Largest values of attributes that are numbers."
    )


async def find(kind: Kind, wanted: Finding, context: ToolContext) -> str:
    """Return what fits best, as data; where nothing does, the attributes that there are."""
    try:
        found = await context.open_shop.find(context.tenant, kind, Wanted(**wanted.model_dump()), _MOST_ITEMS)
    except SearchTooSlow:
        raise ToolFailed("Looking it up took too long.") from None
    if not found.items:
        return _dumped({"items": [], "attributes": list(found.attributes)})
    return _as_data(found.items)


def _as_data(items: Sequence[dict[str, Any]]) -> str:
    """Return as many items as there is room for, the best first."""
    told: list[dict[str, Any]] = []
    for item in items:
        short = item | ({"description": item["description"][:_LONGEST_DESCRIPTION]} if "description" in item else {})
        if len(_dumped({"items": [*told, short]}).encode()) <= _MOST_BYTES:
            told.append(short)
    return _dumped({"items": told})


def _dumped(told: dict[str, Any]) -> str:
    return orjson.dumps(told).decode()
