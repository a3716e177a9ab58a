"""
Whose order it is, and what becomes of it: from what was imported, from a shop, or from a service of the tenant's.

The customer is who the session says: by the keys of the contact's addresses and, for a paired user, of the e-mail address. An
order of somebody else is answered exactly as one that does not exist.
"""

from dataclasses import dataclass, replace
from typing import Any

import orjson
from psycopg.rows import DictRow

from services.agent.tools import ToolContext, ToolFailed
from shared.actions import Action, Identity, perform, prepare
from shared.addresses import Pepper
from shared.catalogue import open_source
from shared.catalogue.orders import Customer, Customers, comparable
from shared.catalogue.woocommerce import ShopUnavailable, WooCommerce
from shared.outbound import Guard
from shared.store.sealed import BINDING_ADDRESS, CONTACT_ADDRESS, ORDER_BODY
from shared.store.session import Store
from shared.vault import Vault

NOT_FOUND = "No such order of this person is known."
_NUMBER_WANTED = "Ask the person for the number of the order."
_NOT_THERE = frozenset({403, 404, 410})
"""What a service may say of an order that is not this customer's."""

_MOST_TOLD = 5
_SESSION = """
select source.*, conversation.contact_id, conversation.user_id, app_user.email,
       contact.sealed_address, binding.id as binding, binding.sealed_address as bound_address,
       array(select address_key from contact_alias where contact_id = conversation.contact_id) as keys
from conversation
join data_source source on source.tenant_id = conversation.tenant_id and source.kind = 'order'
left join contact on contact.id = conversation.contact_id
left join app_user on app_user.id = conversation.user_id
left join binding on binding.user_id = conversation.user_id and binding.contact_id = conversation.contact_id
where conversation.id = %s
limit 1
"""
_THEIRS = """
select id, sealed_body from customer_order
where source_id = %(source)s and customer_keys && %(keys)s::varchar[] and (%(number)s = '' or number = %(number)s)
order by placed_at desc nulls last, id desc limit %(most)s
"""
_PARAMETERS = {"type": "object", "properties": {"number": {"type": "string"}}}


@dataclass(frozen=True)
class Orders:
    """Finds them."""

    store: Store
    vault: Vault
    pepper: Pepper
    guard: Guard

    async def find(self, context: ToolContext, number: str) -> str:
        """Return what is known of an order of whom the conversation is with. Raises ToolFailed."""
        async with self.store.connection(context.tenant) as connection:
            source = await (await connection.execute(_SESSION, (context.conversation,))).fetchone()
        if source is None:
            raise ToolFailed(NOT_FOUND)
        customer = self._customer(context, source)
        match source["origin"]:
            case "woocommerce":
                return await self._in_shop(source, customer, comparable(number))
            case "endpoint":
                return await self._at_service(source, customer, context, number.strip())
            case _:
                return await self._imported(source, customer, comparable(number))

    def _customer(self, context: ToolContext, row: DictRow) -> Customer:
        """Return who asks, by all that is known of them just now."""
        address = ""
        if row["sealed_address"] is not None:
            place = CONTACT_ADDRESS.at(context.tenant, row["contact_id"])
            address = self.vault.open(row["sealed_address"], place).decode()
        elif row["bound_address"] is not None:
            place = BINDING_ADDRESS.at(context.tenant, row["binding"])
            address = self.vault.open(row["bound_address"], place).decode()
        email = row["email"] or ""
        keys = Customers(self.pepper, context.tenant).known(address or None, email or None)
        return Customer(row["contact_id"] or "", row["user_id"] or "", keys | frozenset(row["keys"]), address, email)

    async def _imported(self, source: DictRow, customer: Customer, number: str) -> str:
        asked = {"source": source["id"], "keys": sorted(customer.keys), "number": number, "most": _MOST_TOLD}
        tenant = source["tenant_id"]
        async with self.store.connection(tenant) as connection:
            rows = await (await connection.execute(_THEIRS, asked)).fetchall()
        if not rows:
            raise ToolFailed(NOT_FOUND)
        opened = [self.vault.open(row["sealed_body"], ORDER_BODY.at(tenant, row["id"])) for row in rows]
        return _data([orjson.loads(body) for body in opened])

    async def _in_shop(self, source: DictRow, customer: Customer, number: str) -> str:
        if not number:
            raise ToolFailed(_NUMBER_WANTED)
        key = open_source(self.vault, source["tenant_id"], source["id"], source["sealed_secrets"])
        try:
            found = await WooCommerce(self.guard, source["url"], key).order(number)
        except ShopUnavailable as unavailable:
            raise ToolFailed(f"The shop could not be asked. {unavailable.words}") from None
        customers = Customers(self.pepper, source["tenant_id"])
        if found is None or not customer.keys & {
            *customers.written(found.phone, found.email, found.country or source["country"])
        }:
            raise ToolFailed(NOT_FOUND)
        return _data([found.order.told()])

    async def _at_service(self, source: DictRow, customer: Customer, context: ToolContext, number: str) -> str:
        """Ask the tenant's own service, which is told who asks, and decides."""
        secrets = open_source(self.vault, source["tenant_id"], source["id"], source["sealed_secrets"])
        action = Action.of(_definition(source), secrets)
        call = prepare(
            action, {"number": number}, Identity(context.tenant, customer.contact, customer.user), context.call
        )
        told = {"contact": customer.contact, "user": customer.user, "phone": customer.phone, "email": customer.email}
        body = {"number": number, "customer": {name: value or None for name, value in told.items()}}
        outcome = await perform(self.guard, replace(call, content=orjson.dumps(body)))
        if outcome.status in _NOT_THERE:
            raise ToolFailed(NOT_FOUND)
        if not outcome.ok:
            raise ToolFailed("The service that knows the orders could not be asked.")
        return outcome.text


def _definition(source: DictRow) -> dict[str, Any]:
    """Return an endpoint as an action, since it is called like one."""
    return {
        "name": "orders",
        "description": "",
        "parameters": _PARAMETERS,
        "method": "POST",
        "url": source["url"],
        "headers": {},
        "results": source["results"],
        "side_effect": False,
        "idempotent": False,
    }


def _data(orders: list[dict[str, Any]]) -> str:
    return orjson.dumps({"orders": orders}).decode()
