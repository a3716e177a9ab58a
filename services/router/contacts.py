"""Who a person is to a tenant: one contact, under every address that they ever wrote from."""

from dataclasses import dataclass

from services.router.merging import merge
from shared.addresses import Pepper
from shared.events import InboundContent
from shared.ids import Address, AddressKey, ContactId, TenantId, new_id
from shared.store.sealed import CONTACT_ADDRESS, CONTACT_NAME
from shared.store.session import Connection, Store
from shared.vault import Vault


@dataclass(frozen=True)
class Sender:
    """
    Somebody who writes on a channel, by every address that the provider told of them.

    `content`: the newest of what they say. `before`: what else of theirs waits to be taken in.
    """

    channel: str
    content: InboundContent
    before: tuple[InboundContent, ...] = ()

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Return the addresses, the steadiest first: user ids, then numbers."""
        said = (self.content, *reversed(self.before))
        known = (*(it.user_id for it in said), *(it.sender for it in said), *(it.phone for it in said))
        return tuple(dict.fromkeys(Address(address) for address in known if address))

    def newest_keys(self, pepper: Pepper, tenant: TenantId) -> list[AddressKey]:
        """Return the keys under which a tenant's contact should be known."""
        return list(dict.fromkeys(pepper.address_key(tenant, self.channel, address) for address in self.addresses))

    def keys(self, pepper: Pepper, tenant: TenantId) -> list[AddressKey]:
        """Return every key under which a tenant's contact may be known."""
        return [key for address in self.addresses for key in pepper.address_keys(tenant, self.channel, address)]

    def global_keys(self, pepper: Pepper) -> list[AddressKey]:
        """Return every key under which the sender may be bound."""
        return [key for address in self.addresses for key in pepper.global_keys(self.channel, address)]


@dataclass(frozen=True)
class Contacts:
    """Finds and makes contacts, and merges those that prove to be one person."""

    store: Store
    vault: Vault
    pepper: Pepper

    async def of(
        self,
        connection: Connection,
        scope: tuple[TenantId, ...],
        tenant: TenantId,
        sender: Sender,
        known: ContactId | None = None,
    ) -> ContactId:
        """
        Return the tenant's one contact behind all of the addresses, and behind `known`; it is locked until this transaction ends.

        New addresses are learned. Contacts that two of the addresses belong to are one from here on, the eldest. `scope`: whose
        rows the transaction sees, and sees again afterwards.
        """
        await _one_at_a_time(connection, sender.keys(self.pepper, tenant))
        found = await self._known(connection, tenant, sender, known)
        if not found:
            contact = await self._make(connection, tenant, sender)
            await self._learn(connection, tenant, sender, contact)
            return contact
        contact, *others = found
        if others:
            await merge(connection, self.store, scope, contact, others)
        if await self._learn(connection, tenant, sender, contact) or others:
            await self._write_down(connection, tenant, sender, contact)
        else:
            await self.write_down(connection, tenant, sender, contact)
        return contact

    async def _known(
        self, connection: Connection, tenant: TenantId, sender: Sender, known: ContactId | None
    ) -> list[ContactId]:
        """Return and lock whoever has one of the addresses, the eldest first."""
        cursor = await connection.execute(
            """
            select id from contact
            where id = %s or id in (select contact_id from contact_alias
                                    where tenant_id = %s and channel = %s and address_key = any(%s))
            order by created_at, id for no key update
            """,
            (known, tenant, sender.channel, sender.keys(self.pepper, tenant)),
        )
        return [ContactId(row["id"]) for row in await cursor.fetchall()]

    async def _learn(self, connection: Connection, tenant: TenantId, sender: Sender, contact: ContactId) -> bool:
        """Let a contact be found by all of the addresses, under the newest pepper; tell whether one was new."""
        cursor = await connection.execute(
            "insert into contact_alias (tenant_id, channel, address_key, contact_id, pepper_version)"
            " select %s, %s, unnest(%s::text[]), %s, %s on conflict do nothing returning 1",
            (tenant, sender.channel, sender.newest_keys(self.pepper, tenant), contact, self.pepper.version),
        )
        return await cursor.fetchone() is not None

    async def write_down(self, connection: Connection, tenant: TenantId, sender: Sender, contact: ContactId) -> None:
        """Keep where a contact is answered, and their name, where the tenant's privacy has had them dropped meanwhile."""
        await connection.execute(
            "update contact set sealed_address = %s, sealed_name = %s where id = %s and sealed_address is null",
            (*self._sealed(tenant, sender, contact), contact),
        )

    async def _make(self, connection: Connection, tenant: TenantId, sender: Sender) -> ContactId:
        contact = ContactId(new_id("ct"))
        await connection.execute(
            "insert into contact (id, tenant_id, channel, sealed_address, sealed_name) values (%s, %s, %s, %s, %s)",
            (contact, tenant, sender.channel, *self._sealed(tenant, sender, contact)),
        )
        return contact

    async def _write_down(self, connection: Connection, tenant: TenantId, sender: Sender, contact: ContactId) -> None:
        """Answer a contact from now on where they write from now; a webhook without a name leaves the one that is known."""
        address, name = self._sealed(tenant, sender, contact)
        await connection.execute(
            "update contact set sealed_address = %s, sealed_name = case when %s then %s else sealed_name end where id = %s",
            (address, bool(sender.content.profile_name), name, contact),
        )

    def _sealed(self, tenant: TenantId, sender: Sender, contact: ContactId) -> tuple[bytes, bytes]:
        return (
            self.vault.seal(sender.content.sender.encode(), CONTACT_ADDRESS.at(tenant, contact)),
            self.vault.seal(sender.content.profile_name.encode(), CONTACT_NAME.at(tenant, contact)),
        )


async def _one_at_a_time(connection: Connection, keys: list[AddressKey]) -> None:
    """Let nobody else look for these addresses until this transaction ends; always in the same order."""
    await connection.execute(
        "select pg_advisory_xact_lock(hashtextextended(key, 0)) from unnest(%s::text[]) as key",
        (sorted(set(keys)),),
    )
