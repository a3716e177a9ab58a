"""
WooCommerce's REST API v3, as far as products and orders are read from it.

Source of the fields: WooCommerce REST API documentation, v3, "Product properties", "Order properties", "Data: currencies";
`per_page`, `page` and `_fields` are WordPress's own parameters.
"""

import base64
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.catalogue.items import Item
from shared.catalogue.orders import Order
from shared.catalogue.rows import MOST_ROWS, Broken, Fault, Row, each
from shared.outbound import Guard, OutboundFailure

_BASE = "/wp-json/wc/v3"
_PAGE = 50
_PRODUCT_FIELDS = "id,name,permalink,price,stock_status,short_description,sku,categories,attributes"
_ORDER_FIELDS = "id,number,status,currency,date_created_gmt,total,billing,line_items"
_ID = re.compile(r"[1-9][0-9]{0,11}")
_TAG = re.compile(r"<[^<>]{0,2000}>")
_NOT_FOUND = 404


class ShopUnavailable(Exception):
    """The shop did not answer as it should. `code`: why, for programs; `words`: for people."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(code)
        self.code = code
        self.words = words


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Named(_Read):
    name: str


class _Attribute(_Named):
    options: list[str] = Field(default_factory=list)


class _Product(_Read):
    id: int
    name: str
    permalink: str = ""
    price: str = ""
    stock_status: str = "instock"
    short_description: str = ""
    sku: str = ""
    categories: list[_Named] = Field(default_factory=list)
    attributes: list[_Attribute] = Field(default_factory=list)


class _Billing(_Read):
    phone: str = ""
    email: str | None = ""
    country: str = ""


class _LineItem(_Named):
    quantity: Annotated[int, Field(ge=0)] = 1


class _Order(_Read):
    id: int
    number: str
    status: str
    currency: str
    date_created_gmt: datetime | None = None
    total: str
    billing: _Billing
    line_items: list[_LineItem] = Field(default_factory=list)


@dataclass(frozen=True)
class ShopOrder:
    """An order, and whose it is as the shop has it."""

    order: Order
    phone: str
    email: str
    country: str | None


@dataclass(frozen=True)
class WooCommerce:
    """A shop. `url`: where WordPress is, without `/wp-json`. `key`: consumer_key and consumer_secret."""

    guard: Guard
    url: str
    key: Mapping[str, str]

    async def products(self) -> list[Item]:
        """Return all that is published. Raises ShopUnavailable, Broken."""
        current = await self._get("data/currencies/current")
        currency = current.get("code") if isinstance(current, dict) else None
        rows: list[Row] = []
        for page in range(1, MOST_ROWS // _PAGE + 1):
            found = await self._get("products", per_page=_PAGE, page=page, status="publish", _fields=_PRODUCT_FIELDS)
            if not isinstance(found, list) or not all(isinstance(it, dict) for it in found):
                raise Broken([Fault(len(rows) + 1, "", "Not a list of products.")])
            rows += [Row(len(rows) + place, product) for place, product in enumerate(found, start=1)]
            if len(found) < _PAGE:
                return each(rows, lambda row: _item(_Product.model_validate(row), currency), lambda item: item.id)
        raise Broken([Fault(MOST_ROWS, "", f"More than {MOST_ROWS:,} products.")])

    async def order(self, number: str) -> ShopOrder | None:
        """Return the order of a number; None where there is none. Raises ShopUnavailable."""
        if not _ID.fullmatch(number):
            return None
        found = await self._get(f"orders/{number}", _fields=_ORDER_FIELDS)
        if found is None:
            return None
        try:
            order = _Order.model_validate(found)
            return _shop_order(order) if order.number == number else None
        except ValidationError:
            raise ShopUnavailable("answer_unfit", "The shop's answer is not that of WooCommerce.") from None

    async def _get(self, path: str, **query: str | int) -> Any:  # noqa: ANN401 - JSON
        """Return what the shop answers; None where it has nothing there."""
        asked = f"{self.url.rstrip('/')}{_BASE}/{path}" + (f"?{urlencode(query)}" if query else "")
        came = await self.guard.ask("GET", asked, headers={"Authorization": self._login, "Accept": "application/json"})
        if isinstance(came, OutboundFailure):
            raise ShopUnavailable(came.code, came.words)
        if came.status == _NOT_FOUND and "_order_" in came.text:
            return None
        if not came.ok:
            raise ShopUnavailable(f"http_{came.status}", f"The shop answered with status {came.status}.")
        try:
            return orjson.loads(came.text)
        except orjson.JSONDecodeError:
            raise ShopUnavailable("answer_unfit", "The shop's answer is not that of WooCommerce.") from None

    @property
    def _login(self) -> str:
        pair = f"{self.key['consumer_key']}:{self.key['consumer_secret']}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _item(product: _Product, currency: str | None) -> Item:
    attributes = {it.name: [option for option in it.options if option] for it in product.attributes if it.options}
    if product.categories:
        attributes["category"] = [_plain(it.name) for it in product.categories]
    if product.sku:
        attributes["sku"] = [product.sku]
    return Item.model_validate(
        {
            "id": str(product.id),
            "name": _plain(product.name),
            "description": _plain(product.short_description)[:5000],
            "price": product.price or None,
            "currency": currency if product.price else None,
            "available": product.stock_status != "outofstock",
            "url": product.permalink or None,
            "attributes": attributes,
        }
    )


def _shop_order(order: _Order) -> ShopOrder:
    told = {
        "number": order.number,
        "status": order.status,
        "currency": order.currency,
        "total": order.total,
        "placed": order.date_created_gmt.replace(tzinfo=UTC) if order.date_created_gmt else None,
        "items": [f"{it.quantity} x {it.name}"[:500] for it in order.line_items][:100] or None,
    }
    billing = order.billing
    return ShopOrder(Order.model_validate(told), billing.phone, billing.email or "", billing.country or None)


def _plain(text: str) -> str:
    """Return what a text says without its markup."""
    return " ".join(html.unescape(_TAG.sub(" ", text)).replace("\0", "").split())
