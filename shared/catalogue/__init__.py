"""
What a tenant sells and what was ordered of it: sources, what is read from them, and how it is found (ADR 18).

Products and listings stand in clear, as what the tenant publishes; orders rest sealed, under keyed hashes of whose they are.
"""

from shared.catalogue.items import Item, read_items
from shared.catalogue.orders import Order, read_orders
from shared.catalogue.rows import Broken, Fault
from shared.catalogue.search import Catalogue, Found, Kind, Wanted
from shared.catalogue.sources import check_source, open_source, seal_source

__all__ = [
    "Broken",
    "Catalogue",
    "Fault",
    "Found",
    "Item",
    "Kind",
    "Order",
    "Wanted",
    "check_source",
    "open_source",
    "read_items",
    "read_orders",
    "seal_source",
]
