"""
A WooCommerce shop that is strict: it refuses requests that the real one would not understand, and answers by its schema.

Fields, types and values as the public documentation of the REST API v3 has them ("Product properties", "Order properties").
"""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jsonschema import Draft202012Validator

from tests.fakes.web import Asked, reply, web_server

_TEXT = {"type": "string"}
_NUMBER = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
_MAYBE_NUMBER = {"type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?)?$"}
_TIME = {"type": ["string", "null"], "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$"}
_NAMED = {"type": "object", "required": ["id", "name"], "properties": {"id": {"type": "integer"}, "name": _TEXT}}
PRODUCT: dict[str, Any] = {
    "id": {"type": "integer"},
    "name": _TEXT,
    "slug": _TEXT,
    "permalink": {"type": "string", "format": "uri"},
    "date_created_gmt": _TIME,
    "type": {"enum": ["simple", "grouped", "external", "variable"]},
    "status": {"enum": ["draft", "pending", "private", "publish"]},
    "catalog_visibility": {"enum": ["visible", "catalog", "search", "hidden"]},
    "description": _TEXT,
    "short_description": _TEXT,
    "sku": _TEXT,
    "price": _MAYBE_NUMBER,
    "regular_price": _MAYBE_NUMBER,
    "sale_price": _MAYBE_NUMBER,
    "purchasable": {"type": "boolean"},
    "stock_quantity": {"type": ["integer", "null"]},
    "stock_status": {"enum": ["instock", "outofstock", "onbackorder"]},
    "categories": {"type": "array", "items": _NAMED},
    "attributes": {
        "type": "array",
        "items": {"allOf": [_NAMED, {"required": ["options"], "properties": {"options": {"items": _TEXT}}}]},
    },
}
_STATUSES = ["pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "trash"]
ORDER: dict[str, Any] = {
    "id": {"type": "integer"},
    "parent_id": {"type": "integer"},
    "number": _TEXT,
    "status": {"enum": _STATUSES},
    "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
    "date_created_gmt": _TIME,
    "total": _NUMBER,
    "customer_id": {"type": "integer"},
    "billing": {
        "type": "object",
        "required": ["first_name", "last_name", "address_1", "city", "postcode", "country", "email", "phone"],
        "additionalProperties": _TEXT,
    },
    "line_items": {
        "type": "array",
        "items": {
            "allOf": [
                _NAMED,
                {
                    "required": ["product_id", "quantity", "total"],
                    "properties": {
                        "product_id": {"type": "integer"},
                        "quantity": {"type": "integer"},
                        "total": _NUMBER,
                    },
                },
            ]
        },
    },
}
_LIST_PARAMETERS = {"context", "page", "per_page", "search", "status", "order", "orderby", "category", "_fields"}


def a_product(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "name": f"Product {number}", "slug": f"product-{number}",
        "permalink": f"https://shop.example.org/product/{number}/", "date_created_gmt": "2026-03-22T12:00:00",
        "type": "simple", "status": "publish", "catalog_visibility": "visible", "description": "", "sku": "",
        "short_description": "<p>Good &amp; cheap.</p>\n", "price": "21.99", "regular_price": "21.99", "sale_price": "",
        "purchasable": True, "stock_quantity": None, "stock_status": "instock",
        "categories": [{"id": 9, "name": "Clothing", "slug": "clothing"}],
        "attributes": [{"id": 6, "name": "Color", "position": 0, "visible": True, "options": ["Black", "Green"]}], **more,
    }  # fmt: skip


def an_order(number: int, **more: Any) -> dict[str, Any]:
    billing = {
        "first_name": "John", "last_name": "Doe", "company": "", "address_1": "969 Market", "address_2": "",
        "city": "San Francisco", "state": "CA", "postcode": "94103", "country": "US", "email": "john.doe@example.com",
        "phone": "(555) 555-5555",
    }  # fmt: skip
    line = {"id": 315, "name": "Woo Single #1", "product_id": 93, "quantity": 2, "total": "6.00"}
    return {
        "id": number, "parent_id": 0, "number": str(number), "status": "processing", "currency": "USD",
        "date_created_gmt": "2026-03-22T19:28:02", "total": "29.35", "customer_id": 0, "billing": billing,
        "line_items": [line], **more,
    }  # fmt: skip


@dataclass
class FakeShop:
    """The shop. `refused`: what was asked that the real one would not have taken. `asked`: paths."""

    url: str = ""
    key: dict[str, str] = field(
        default_factory=lambda: {"consumer_key": "ck_" + "1" * 40, "consumer_secret": "cs_" + "2" * 40}
    )
    products: list[dict[str, Any]] = field(default_factory=lambda: [a_product(93), a_product(94)])
    orders: dict[int, dict[str, Any]] = field(default_factory=lambda: {n: an_order(n) for n in (727, 728)})
    currency: str = "USD"
    refused: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def respond(self, asked: Asked) -> bytes:
        method, target, _ = asked.line.split()
        url = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        self.asked.append(url.path)
        path = url.path.removeprefix("/wp-json/wc/v3/")
        if method != "GET" or path == url.path:
            return self._refuse(404, "rest_no_route")
        if asked.headers.get("authorization") != self._login():
            return self._refuse(401, "woocommerce_rest_cannot_view")
        if path == "data/currencies/current":
            return reply(json.dumps({"code": self.currency, "name": "x", "symbol": "x"}))
        return self._products(query) if path == "products" else self._order(path, query)

    def _products(self, query: dict[str, str]) -> bytes:
        page, size = query.get("page", "1"), query.get("per_page", "10")
        known = query.keys() <= _LIST_PARAMETERS and query.get("status", "any") in {"any", "publish"}
        if not known or not page.isdecimal() or not size.isdecimal() or not 1 <= int(size) <= 100 or int(page) < 1:
            return self._refuse(400, "rest_invalid_param")
        start = (int(page) - 1) * int(size)
        listed = [it for it in self.products if query.get("status") != "publish" or it["status"] == "publish"]
        return _answer(listed[start : start + int(size)], PRODUCT, query)

    def _order(self, path: str, query: dict[str, str]) -> bytes:
        resource, _, number = path.partition("/")
        if resource != "orders" or not number.isdecimal() or not query.keys() <= {"_fields", "context", "dp"}:
            return self._refuse(404, "rest_no_route")
        order = self.orders.get(int(number))
        if order is None:
            return reply(
                json.dumps({"code": "woocommerce_rest_shop_order_invalid_id", "data": {"status": 404}}), status=404
            )
        return _answer(order, ORDER, query)

    def _login(self) -> str:
        pair = f"{self.key['consumer_key']}:{self.key['consumer_secret']}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def _refuse(self, status: int, code: str) -> bytes:
        self.refused.append(code)
        return reply(json.dumps({"code": code, "message": "x", "data": {"status": status}}), status=status)


def _answer(told: Any, schema: dict[str, Any], query: dict[str, str]) -> bytes:
    """Answer what is of the schema, as far as it was asked for; a field that nobody knows is a mistake of whoever asks."""
    wanted = query["_fields"].split(",") if "_fields" in query else list(schema)
    if unknown := [name for name in wanted if name not in schema]:
        raise AssertionError(f"WooCommerce has no field {unknown}")
    every = told if isinstance(told, list) else [told]
    for one in every:
        Draft202012Validator({"type": "object", "required": list(schema), "properties": schema}).validate(one)
    cut = [{name: deepcopy(one[name]) for name in wanted} for one in every]
    return reply(json.dumps(cut if isinstance(told, list) else cut[0]), content_type="application/json; charset=UTF-8")


@asynccontextmanager
async def shop() -> AsyncIterator[FakeShop]:
    """Open a shop on loopback for the length of the block."""
    opened = FakeShop()
    async with web_server(opened.respond) as web:
        opened.url = web.url
        yield opened
