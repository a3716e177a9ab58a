"""A masked number in full, for who may see it; each look is audited."""

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.api import contacts
from services.console.api.routes import may
from services.console.pages.routes import Page
from services.console.pages.view import Looking
from services.console.records import Deed, Unknown, note
from services.console.scan import owner
from shared.addresses import WHATSAPP
from shared.store.session import Store
from shared.vault import Vault

_CONTACT = f"select {contacts.SHOWN} from contact join tenant on tenant.id = contact.tenant_id where contact.id = %s"  # noqa: S608 - constants


def reveals(store: Store, vault: Vault) -> APIRouter:
    """Return the route."""
    router = APIRouter(route_class=Page)

    @router.post("/contacts/{contact}/reveals", **may("contacts:read"))
    async def reveal(view: Looking, contact: str) -> Response:
        tenant = await owner(store, view.who, "contact", {"id = %s": contact})
        async with store.transaction(tenant) as connection:
            row = await (await connection.execute(_CONTACT, (contact,))).fetchone()
            if row is None or (address := contacts.address(vault, row)) is None:
                raise Unknown
            await note(connection, view.who, Deed("contact.revealed", contact, tenant))
        return view.page("revealed.html", number=address.removeprefix(f"{WHATSAPP}:"))

    return router
