"""`/v1/data-sources`: where a tenant's products, listings and orders come from."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, SecretStr

from services.console.api.fields import Body, OneTenant, TenantOfMade, Version, id_in_path, omitted, shown, whose
from services.console.api.paging import Listing, Paged, Resource
from services.console.api.problems import Faults, Problem
from services.console.api.routes import Asking, Route, may
from services.console.catalogue import NotFetched, Sources
from services.console.catalogue_fetching import Fetching
from services.console.catalogue_imports import Fetched
from services.console.kept_secrets import Secrets
from services.console.settings import Language
from shared.catalogue import Catalogue, Wanted
from shared.ids import TenantId

FAULTS: Faults = {
    Fetched: (409, "source_is_fetched", "These are fetched from elsewhere. Delete that source first."),
    NotFetched: (409, "source_not_fetched", "Nothing is fetched from there: it is sent as a file, or asked each time."),
}

Id = Annotated[str, id_in_path("ds")]
Kind = Literal["product", "listing", "order"]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="Of prices that name none, such as EUR.")]
Country = Annotated[
    str, Field(pattern=r"^[A-Z]{2}$", description="Of phone numbers without a country code, such as IT.")
]
Url = Annotated[str, Field(max_length=2000, description="https address; of a shop, where its WordPress is.")]
Every = Annotated[int, Field(ge=5, le=43_200, description="Minutes between two fetches.")]
SecretName = Annotated[str, Field(min_length=1, max_length=100)]
SecretValue = Annotated[SecretStr, Field(min_length=1, max_length=2000)]
Paths = Annotated[
    list[Annotated[str, Field(max_length=500)]],
    Field(
        max_length=50, description="What models read of an endpoint's answer, such as order.status; none: all of it."
    ),
]


class FileFault(BaseModel):
    """What was wrong with a file. `line`: from 1; of a shop, the place in its list. `field`: empty where it is the row."""

    line: int
    field: str
    problem: str


class DataSource(Resource):
    """
    Where things of a kind come from.

    `origin`: `upload`, a file that is sent; `feed`, one that is fetched; `woocommerce`, a shop; `endpoint`, a service that is
    asked for an order each time. `items`: how many the last import had, at `imported_at`; they stay when one fails.
    `failure`, `faults`: why the last attempt failed, at `tried_at`. `secrets`: names alone.
    """

    tenant: str
    kind: Kind
    origin: Literal["upload", "feed", "woocommerce", "endpoint"]
    url: str | None
    currency: str | None
    country: str | None
    language: str
    results: list[str]
    every_minutes: int | None
    secrets: list[str]
    items: int
    imported_at: datetime | None
    tried_at: datetime | None
    failure: str | None
    faults: list[FileFault]
    created_at: datetime


class NewDataSource(Body):
    """
    A source to be set up. `secrets`: headers to be sent along; of a shop, its consumer_key and consumer_secret.

    Products, listings and orders may come from a feed, products and orders from a shop, orders from an endpoint.
    """

    tenant: TenantOfMade = None
    kind: Kind
    origin: Literal["feed", "woocommerce", "endpoint"]
    url: Url
    currency: Currency | None = None
    country: Country | None = None
    language: Language = "simple"
    results: Paths = Field(default_factory=list)
    every_minutes: Every | None = None
    secrets: dict[SecretName, SecretValue] = Field(default_factory=dict)


class DataSourceChange(Body):
    """What shall be different; the rest stays. A secret that is null goes; with another host all go."""

    url: Url = omitted()
    currency: Currency | None = omitted()
    country: Country | None = omitted()
    language: Language = omitted()
    results: Paths = omitted()
    every_minutes: Every = omitted()
    secrets: dict[SecretName, SecretValue | None] = omitted()


class ItemSearch(Body):
    """What is looked for, as a model says it."""

    query: Annotated[str, Field(max_length=300, pattern=r"^[^\x00]*$")] = ""
    min_price: Annotated[float, Field(ge=0, le=1e12)] | None = None
    max_price: Annotated[float, Field(ge=0, le=1e12)] | None = None
    available_only: bool = False
    limit: Annotated[int, Field(ge=1, le=50)] = 8


class ItemsFound(BaseModel):
    """Items as a model reads them, the best first; and the names of attributes that it may ask for."""

    items: list[dict[str, Any]]
    attributes: list[str]


def data_sources(found: Sources, fetching: Fetching, catalogue: Catalogue) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/data-sources", tags=["data sources"], route_class=Route)

    @router.get("", **may("catalogue:read"))
    async def list_data_sources(who: Asking, page: Paged, tenant: OneTenant = None) -> Listing[DataSource]:
        rows = await found.records.list(who, page.before, page.limit + 1, tenant=tenant)
        return page.of([DataSource(**row) for row in rows])

    @router.post("", status_code=201, **may("catalogue:write"))
    async def create_data_source(who: Asking, wanted: NewDataSource, response: Response) -> DataSource:
        values = wanted.model_dump(exclude={"tenant", "secrets"})
        made = await found.make(who, whose(who, wanted.tenant), values, _secrets(wanted))
        fetching.wake()
        return shown(response, DataSource, made)

    @router.get("/{source}", **may("catalogue:read"))
    async def get_data_source(who: Asking, source: Id, response: Response) -> DataSource:
        return shown(response, DataSource, await found.records.get(who, source))

    @router.patch("/{source}", **may("catalogue:write"))
    async def change_data_source(
        who: Asking, source: Id, version: Version, wanted: DataSourceChange, response: Response
    ) -> DataSource:
        values = wanted.model_dump(exclude_unset=True, exclude={"secrets"})
        changed = await found.change(who, source, version, values, _secrets(wanted))
        fetching.wake()
        return shown(response, DataSource, changed)

    @router.delete("/{source}", status_code=204, **may("catalogue:write"))
    async def delete_data_source(who: Asking, source: Id, version: Version) -> None:
        await found.records.remove(who, source, version)

    @router.post("/{source}/runs", status_code=202, **may("catalogue:write"))
    async def fetch_data_source(who: Asking, source: Id, response: Response) -> DataSource:
        row = await found.fetch(who, source)
        fetching.wake()
        return shown(response, DataSource, row)

    @router.post("/{source}/searches", **may("catalogue:read"))
    async def search_data_source(who: Asking, source: Id, wanted: ItemSearch) -> ItemsFound:
        row = await found.records.get(who, source)
        if row["kind"] == "order":
            raise Problem(409, "orders_not_searched", "Orders are found for their customers alone.")
        asked = Wanted(**wanted.model_dump(exclude={"limit"}))
        return ItemsFound(**asdict(await catalogue.search(TenantId(row["tenant"]), row["kind"], asked, wanted.limit)))

    return router


def _secrets(wanted: NewDataSource | DataSourceChange) -> Secrets:
    return {
        name: value.get_secret_value().strip() if value is not None else None
        for name, value in (wanted.secrets or {}).items()
    }
