"""Somebody's own pairing: the number that they write to, and the one that they are paired with."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import DictRow

from services.console.bindings import Bindings
from services.console.records import Unknown
from services.console.sessions import Session
from shared.addresses import WHATSAPP
from shared.masking import masked
from shared.store.sealed import BINDING_ADDRESS, CONTACT_ADDRESS
from shared.store.session import EVERY_TENANT, Store
from shared.vault import Vault

_LINE = """
select sender from line
where channel = %(channel)s and enabled and kind <> 'test' and (tenant_id = %(tenant)s or kind = 'shared')
order by case when tenant_id = %(tenant)s and access = 'paired' then 0 when kind = 'shared' then 1 else 2 end, id limit 1
"""
_BINDING = """
select binding.id, binding.sealed_address, binding.created_at, contact.id as contact, contact.sealed_address as written_from
from binding left join contact on contact.id = contact_id where user_id = %s and binding.channel = %s
"""
_REASON = "unpaired in the own profile"


@dataclass(frozen=True)
class Paired:
    """`number`: masked."""

    id: str
    number: str
    since: datetime


@dataclass(frozen=True)
class OwnPairing:
    """The collaborators."""

    store: Store
    vault: Vault
    ends: Bindings

    async def business_number(self, session: Session) -> str | None:
        """Return where somebody's messages should go: their company's paired line, else the shared one, else an open one."""
        async with self.store.connection(EVERY_TENANT) as connection:
            cursor = await connection.execute(_LINE, {"channel": WHATSAPP, "tenant": session.tenant})
            row = await cursor.fetchone()
        return str(row["sender"]).removeprefix(f"{WHATSAPP}:") if row else None

    async def paired(self, session: Session) -> Paired | None:
        """Return the number that writes as somebody."""
        async with self.store.connection(session.tenant) as connection:
            row = await (await connection.execute(_BINDING, (session.user, WHATSAPP))).fetchone()
        if row is None:
            return None
        return Paired(row["id"], masked(self._address(session, row)), row["created_at"])

    def _address(self, session: Session, row: DictRow) -> str:
        """Return where the person writes from: people know their number, not the id that WhatsApp gives them."""
        if row["written_from"] is not None:
            return self.vault.open(row["written_from"], CONTACT_ADDRESS.at(session.tenant, row["contact"])).decode()
        return self.vault.open(row["sealed_address"], BINDING_ADDRESS.at(session.tenant, row["id"])).decode()

    async def unpair(self, session: Session) -> None:
        """End it. Raises Unknown where there is none, Later."""
        found = await self.paired(session)
        if found is None:
            raise Unknown
        await self.ends.unbind(session.principal, found.id, _REASON, goodbye=False)
