"""What a tenant sells and what was ordered of it, as tools ask for it."""

from dataclasses import dataclass

from services.agent.orders import Orders
from services.agent.tools import ToolContext
from shared.catalogue import Catalogue, Found, Kind, Wanted
from shared.ids import TenantId


@dataclass(frozen=True)
class TenantsShop:
    """The shop that tools are given."""

    catalogue: Catalogue
    orders: Orders

    async def find(self, tenant: TenantId, kind: Kind, wanted: Wanted, most: int) -> Found:
        """Return items that fit. Raises SearchTooSlow."""
        return await self.catalogue.search(tenant, kind, wanted, most)

    async def order(self, context: ToolContext, number: str) -> str:
        """Return an order of whom the conversation is with. Raises ToolFailed."""
        return await self.orders.find(context, number)
