"""`trunkline catalogue` and `trunkline orders`."""

from typing import Annotated, Literal

import typer

from cli.commands.declaring import SHOWING, Noun
from cli.commands.options import Tenant, Yes

noun = Noun("catalogue", "What is sold: products and listings.")
orders = Noun("orders", "What was ordered, for the people who ask about it.")

Kind = Annotated[Literal["product", "listing"], typer.Option(help="What they are.")]
Currency = Annotated[str | None, typer.Option(help="Of prices that name none, such as EUR.")]
Country = Annotated[str | None, typer.Option(help="Of phone numbers without a country code, such as IT.")]
Language = Annotated[str | None, typer.Option(help="How words are stemmed, such as italian.")]
Every = Annotated[int | None, typer.Option("--every", min=5, help="Minutes between two fetches. Default: a day.")]
Url = Annotated[str, typer.Argument(help="The https address.")]
Source = Annotated[str, typer.Argument(help="The id of a source.")]
Headers = Annotated[
    str | None,
    typer.Option(
        "--secrets-file",
        help="A JSON file of secret headers to send along; - reads it from standard input, on one line.",
    ),
]
Key = Annotated[
    str, typer.Option("--secrets-file", help='A JSON file: {"consumer_key": "ck_…", "consumer_secret": "cs_…"}')
]


@noun.verb("import", "products.csv --kind product --currency EUR")
def catalogue_import(
    file: Annotated[str, typer.Argument(help="CSV or JSON: id, name, price, currency, available, url, description, …")],
    kind: Kind,
    currency: Currency = None,
    language: Language = None,
    tenant: Tenant = None,
) -> None:
    """Take a file of products or listings in place of the one before. What is no column of ours is an attribute."""
    from cli import catalogue

    catalogue.take(file, kind, tenant, currency=currency, language=language)


@noun.verb("feed", "https://shop.example.org/products.csv --kind product --every 60")
def catalogue_feed(  # noqa: PLR0917 - what a feed is
    url: Url,
    kind: Kind,
    currency: Currency = None,
    language: Language = None,
    every: Every = None,
    secrets_file: Headers = None,
    tenant: Tenant = None,
) -> None:
    """Have a file of products or listings fetched from time to time. When that fails, the last good one stays."""
    from cli import catalogue

    body = {
        "origin": "feed", "kind": kind, "url": url, "currency": currency, "language": language, "every_minutes": every,
        "tenant": tenant,
    }  # fmt: skip
    catalogue.connect(body, secrets_file)


@noun.verb("woocommerce", "https://shop.example.org --secrets-file key.json")
def catalogue_woocommerce(
    url: Url, secrets_file: Key, language: Language = None, every: Every = None, tenant: Tenant = None
) -> None:
    """Have a shop's products fetched over WooCommerce's REST API."""
    from cli import catalogue

    body = {"origin": "woocommerce", "kind": "product", "url": url, "language": language, "every_minutes": every}
    catalogue.connect({**body, "tenant": tenant}, secrets_file)


@noun.verb("list", "", SHOWING)
def catalogue_list(tenant: Tenant = None) -> None:
    """List where products and listings come from, and what was wrong with them the last time."""
    from cli import catalogue

    catalogue.show_list(tenant, False)


@noun.verb("fetch", "ds_0192…")
def catalogue_fetch(source: Source) -> None:
    """Have a feed or shop fetched now."""
    from cli import catalogue

    catalogue.fetch(source)


@noun.verb("search", '"red bicycle" --kind product --max-price 300')
def catalogue_search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    kind: Kind,
    max_price: Annotated[float | None, typer.Option(min=0, help="The highest price.")] = None,
    available_only: Annotated[bool, typer.Option("--available", help="Only what can be had now.")] = False,
    tenant: Tenant = None,
) -> None:
    """Print what an agent would find."""
    from cli import catalogue

    catalogue.search(query, kind, tenant, max_price=max_price, available_only=available_only)


@noun.verb("remove", "ds_0192… --yes")
def catalogue_remove(source: Source, yes: Yes = False) -> None:
    """Delete a source with all that came from it."""
    from cli import catalogue

    catalogue.remove(source, read="catalogue list", sure=yes)


@orders.verb("import", "orders.csv --country IT")
def orders_import(
    file: Annotated[str, typer.Argument(help="CSV or JSON: number, status, phone, email, placed, expected, total, …")],
    country: Country = None,
    tenant: Tenant = None,
) -> None:
    """Take a file of orders in place of the one before. Phone numbers and e-mail addresses are kept as keyed hashes."""
    from cli import catalogue

    catalogue.take(file, "order", tenant, country=country)


@orders.verb("feed", "https://shop.example.org/orders.csv --every 15")
def orders_feed(
    url: Url, country: Country = None, every: Every = None, secrets_file: Headers = None, tenant: Tenant = None
) -> None:
    """Have a file of orders fetched from time to time."""
    from cli import catalogue

    body = {"origin": "feed", "kind": "order", "url": url, "country": country, "every_minutes": every, "tenant": tenant}
    catalogue.connect(body, secrets_file)


@orders.verb("woocommerce", "https://shop.example.org --secrets-file key.json --country IT")
def orders_woocommerce(url: Url, secrets_file: Key, country: Country = None, tenant: Tenant = None) -> None:
    """Ask a shop for an order each time somebody does, over WooCommerce's REST API. Nothing is kept here."""
    from cli import catalogue

    body = {"origin": "woocommerce", "kind": "order", "url": url, "country": country, "tenant": tenant}
    catalogue.connect(body, secrets_file)


@orders.verb("endpoint", "https://api.example.org/orders/lookup --secrets-file headers.json --result order.status")
def orders_endpoint(
    url: Url,
    secrets_file: Headers = None,
    result: Annotated[
        list[str] | None, typer.Option("--result", help="What models read of the answer; again for more. Default: all.")
    ] = None,
    tenant: Tenant = None,
) -> None:
    """Ask a service of your own each time: it is sent number and customer by POST, and answers 404 for anybody else's."""
    from cli import catalogue

    body = {"origin": "endpoint", "kind": "order", "url": url, "results": result or None, "tenant": tenant}
    catalogue.connect(body, secrets_file)


@orders.verb("list", "", SHOWING)
def orders_list(tenant: Tenant = None) -> None:
    """List where orders come from, and what was wrong with them the last time."""
    from cli import catalogue

    catalogue.show_list(tenant, True)


@orders.verb("remove", "ds_0192… --yes")
def orders_remove(source: Source, yes: Yes = False) -> None:
    """Delete a source with all orders that came from it."""
    from cli import catalogue

    catalogue.remove(source, read="orders list", sure=yes)
