"""What tenants sell and what was ordered of them."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Index, Numeric, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlmodel import Field, SQLModel

from shared.store.tables.columns import counted, document, flag, identity, moment, now, sealed, texts, told, version


class DataSource(SQLModel, table=True):
    """
    Where a tenant's products, listings or orders come from, one for each kind (ADR 18). Written by the console.

    `origin`: upload, feed, woocommerce or endpoint. `currency`, `country`: of prices and numbers that name none. `items`: how
    many the last import had, at `imported_at`. `tried_at`, `failure`, `faults`: the last attempt, where it failed why, and
    what was wrong by line and field. `next_at`: when it is to be fetched. `results`: paths in an endpoint's answer.
    """

    __tablename__ = "data_source"
    __table_args__ = (
        UniqueConstraint("tenant_id", "kind", name="data_source_tenant_kind_key"),
        Index("data_source_due", "next_at", postgresql_where=text("next_at is not null")),
    )
    id: str = Field(primary_key=True)
    tenant_id: str = Field(foreign_key="tenant.id")
    kind: str
    origin: str
    url: str | None = None
    currency: str | None = None
    country: str | None = None
    language: str = told("simple")
    results: list[str] = texts()
    every_minutes: int | None = None
    secret_names: list[str] = texts()
    sealed_secrets: bytes | None = sealed(nullable=True)
    items: int = counted()
    attribute_names: list[str] = texts()
    imported_at: datetime | None = moment()
    tried_at: datetime | None = moment()
    failure: str | None = None
    faults: list[Any] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'[]'::jsonb")))
    next_at: datetime | None = moment()
    version: int = version()
    created_at: datetime = now()


class CatalogueItem(SQLModel, table=True):
    """
    A product or listing, with the words that it is found by. Written by the console, an import at a time.

    `facets`, `numbers`: the attributes as they are compared. Read through `catalogue_shelf`.
    """

    __tablename__ = "catalogue_item"
    __table_args__ = (
        UniqueConstraint("source_id", "ref", name="catalogue_item_source_ref_key"),
        Index("catalogue_item_search", "search", postgresql_using="gin"),
    )
    id: int | None = identity()
    tenant_id: str
    source_id: str = Field(foreign_key="data_source.id", ondelete="CASCADE")
    ref: str
    name: str
    description: str = told("")
    price: Decimal | None = Field(None, sa_type=Numeric)
    currency: str | None = None
    available: bool = flag(default=True)
    url: str | None = None
    attributes: dict[str, Any] = document()
    facets: dict[str, Any] = document()
    numbers: dict[str, Any] = document()
    search: str = Field(sa_column=Column(TSVECTOR, nullable=False))


class CatalogueWord(SQLModel, table=True):
    """A word of a source's items: what misspelt ones are compared with. Written by the console."""

    __tablename__ = "catalogue_word"
    __table_args__ = (
        Index(
            "catalogue_word_alike", "source_id", "word", postgresql_using="gin", postgresql_ops={"word": "gin_trgm_ops"}
        ),
    )
    source_id: str = Field(primary_key=True, foreign_key="data_source.id", ondelete="CASCADE")
    word: str = Field(primary_key=True)
    tenant_id: str


class CustomerOrder(SQLModel, table=True):
    """
    An order, sealed. Written by the console, an import at a time.

    `number`: as it is compared. `customer_keys`: keyed hashes of the customer's number and e-mail address.
    """

    __tablename__ = "customer_order"
    __table_args__ = (
        UniqueConstraint("source_id", "number", name="customer_order_source_number_key"),
        Index("customer_order_tenant", "tenant_id", "created_at"),
    )
    id: str = Field(primary_key=True)
    tenant_id: str
    source_id: str = Field(foreign_key="data_source.id", ondelete="CASCADE")
    number: str
    customer_keys: list[str] = texts()
    pepper_version: int
    placed_at: datetime | None = moment()
    sealed_body: bytes = sealed()
    created_at: datetime = now()
