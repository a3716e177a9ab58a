"""An order, and whose it is: known by keyed hashes of a phone number and an e-mail address, never by these themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import phonenumbers
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from shared.addresses import WHATSAPP, Pepper, whatsapp
from shared.catalogue.rows import each, read_rows
from shared.ids import AddressKey, TenantId
from shared.knowledge.folding import folded

_NO_NUL = r"^[^\x00]*$"
Text = Annotated[str, StringConstraints(max_length=500, pattern=_NO_NUL)]


class Order(BaseModel):
    """
    What a customer is told of an order. What else a file says of it is not kept.

    `placed`, `expected`: days, or times with their zone. `items`: what was ordered, in words.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, str_strip_whitespace=True, coerce_numbers_to_str=True)

    number: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_NO_NUL)]
    status: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_NO_NUL)]
    placed: datetime | date | None = None
    expected: datetime | date | None = None
    total: Annotated[Decimal | None, Field(max_digits=14, decimal_places=4)] = None
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{3}$", to_upper=True)] | None = None
    items: Annotated[list[Text] | Text, Field(max_length=2000)] | None = None
    tracking_number: Text | None = None
    tracking_url: Annotated[str, StringConstraints(max_length=2000, pattern=r"^https?://[^\s\x00<>]+$")] | None = None
    note: Annotated[str, StringConstraints(max_length=1000, pattern=_NO_NUL)] | None = None

    @property
    def key(self) -> str:
        """The number as it is compared."""
        return comparable(self.number)

    def told(self) -> dict[str, Any]:
        """Return it as data."""
        return self.model_dump(mode="json", exclude_none=True)


class OrderRow(Order):
    """An order as a file has it, with whose it is; one of both has to be told."""

    phone: Text | None = None
    email: Annotated[str, StringConstraints(max_length=320, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$")] | None = None
    country: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2}$", to_upper=True)] | None = None

    @model_validator(mode="after")
    def _somebodys(self) -> "OrderRow":
        if self.phone is None and self.email is None:
            raise ValueError("Needs the customer's phone or email.")
        if self.phone is not None and international(self.phone, self.country) is None:
            raise ValueError("The phone is no number, or needs its country.")
        return self

    @property
    def order(self) -> Order:
        """What is kept of it."""
        return Order.model_validate(self.model_dump(exclude={"phone", "email", "country"}))


@dataclass(frozen=True)
class Customers:
    """Makes the keys by which a tenant's customers are known."""

    pepper: Pepper
    tenant: TenantId

    def written(self, phone: str | None, email: str | None, country: str | None = None) -> list[AddressKey]:
        """Return the keys that an order is stored under."""
        number = international(phone, country) if phone else None
        keys = [self.pepper.address_key(self.tenant, WHATSAPP, whatsapp(number))] if number else []
        return keys + ([self.pepper.email_keys(self.tenant, email)[0]] if email else [])

    def known(self, address: str | None, email: str | None) -> frozenset[AddressKey]:
        """Return every key that somebody's order may be stored under. `address`: of a channel, with its scheme."""
        keys = self.pepper.address_keys(self.tenant, WHATSAPP, address) if address else []
        return frozenset(keys + (self.pepper.email_keys(self.tenant, email) if email else []))


@dataclass(frozen=True)
class Customer:
    """Who asks, by what the session knows. `keys`: theirs. `address`, `email`: empty where they are not at hand."""

    contact: str
    user: str
    keys: frozenset[AddressKey] = field(repr=False)
    address: str = field(default="", repr=False)
    email: str = field(default="", repr=False)

    @property
    def phone(self) -> str:
        """The number without its channel."""
        number = self.address.removeprefix(f"{WHATSAPP}:")
        return number if number.startswith("+") else ""


def read_orders(text: str, country: str | None = None) -> list[OrderRow]:
    """Return the orders of a file. `country`: of phone numbers that name none, in two letters. Raises Broken."""
    return each(read_rows(text), lambda row: _order_of(row, country), lambda order: order.key)


def comparable(number: str) -> str:
    """Return an order's number as it is compared: case and a leading # do not count."""
    return folded(number.strip().removeprefix("#").strip())


def international(phone: str, country: str | None) -> str | None:
    """Return a number as `+14155238886`; None for one that is none. `country`: where it was written without its code."""
    try:
        parsed = phonenumbers.parse(phone, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _order_of(row: Mapping[str, Any], country: str | None) -> OrderRow:
    return OrderRow.model_validate({"country": country, **row})
