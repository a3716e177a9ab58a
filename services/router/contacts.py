"""Who a person is to a tenant: one contact, under every address that they ever wrote from."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.addresses import Pepper
from shared.events import InboundContent
from shared.ids import Address, AddressKey, ContactId, TenantId, new_id
from shared.store.sealed import CONTACT_ADDRESS, CONTACT_NAME
from shared.store.session import Connection
from shared.vault import Vault


@dataclass(frozen=True)
class Sender:
    """Somebody who writes on a channel, by every address that the provider told of them, the steadiest first."""

    channel: str
    content: InboundContent

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Return the addresses."""
        known = (self.content.user_id, self.content.sender, self.content.phone)
        return tuple(dict.fromkeys(Address(address) for address in known if address))


@dataclass(frozen=True)
class Contacts:
    """Finds and makes contacts."""

    vault: Vault
    pepper: Pepper

    async def of(self, connection: Connection, tenant: TenantId, sender: Sender) -> ContactId:
        """Return the tenant's contact behind any of the addresses, or make one; learn the addresses that are new."""
        keys = [
            key for address in sender.addresses for key in self.pepper.address_keys(tenant, sender.channel, address)
        ]
        found = await _known(connection, tenant, sender.channel, keys)
        if found is None:
            await _one_at_a_time(connection, keys)
            found = await _known(connection, tenant, sender.channel, keys) or await self._make(
                connection, tenant, sender
            )
        await self.learn(connection, tenant, sender, found)
        return found

    async def learn(self, connection: Connection, tenant: TenantId, sender: Sender, contact: ContactId) -> None:
        """Let a contact be found by all of the sender's addresses, under the newest pepper."""
        keys = [self.pepper.address_key(tenant, sender.channel, address) for address in sender.addresses]
        await connection.execute(
            "insert into contact_alias (tenant_id, channel, address_key, contact_id, pepper_version)"
            " select %s, %s, unnest(%s::text[]), %s, %s on conflict do nothing",
            (tenant, sender.channel, keys, contact, self.pepper.version),
        )

    async def _make(self, connection: Connection, tenant: TenantId, sender: Sender) -> ContactId:
        contact = ContactId(new_id("ct"))
        await connection.execute(
            "insert into contact (id, tenant_id, channel, sealed_address, sealed_name) values (%s, %s, %s, %s, %s)",
            (
                contact,
                tenant,
                sender.channel,
                self.vault.seal(sender.content.sender.encode(), CONTACT_ADDRESS.at(tenant, contact)),
                self.vault.seal(sender.content.profile_name.encode(), CONTACT_NAME.at(tenant, contact)),
            ),
        )
        return contact


async def _known(
    connection: Connection, tenant: TenantId, channel: str, keys: Sequence[AddressKey]
) -> ContactId | None:
    cursor = await connection.execute(
        """
        select contact_id from contact_alias where tenant_id = %s and channel = %s and address_key = any(%s)
        order by array_position(%s::text[], address_key) limit 1
        """,
        (tenant, channel, keys, keys),
    )
    row = await cursor.fetchone()
    return ContactId(row["contact_id"]) if row else None


async def _one_at_a_time(connection: Connection, keys: Sequence[AddressKey]) -> None:
    """Let nobody else make a contact of these addresses until this transaction ends; always in the same order."""
    for key in sorted(keys):
        await connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (key,))
