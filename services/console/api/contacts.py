"""How people are shown who write to a company: by a handle, and by a masked number where the company keeps numbers."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from shared.failures import SEALED_UNREADABLE, GatewayError
from shared.masking import masked
from shared.store.sealed import CONTACT_ADDRESS, CONTACT_NAME
from shared.vault import Vault

SHOWN = """
contact.id as contact, contact.tenant_id as contact_tenant, contact.sealed_address, contact.sealed_name, tenant.privacy,
(select address_key from contact_alias where contact_alias.contact_id = contact.id
 order by pepper_version, address_key limit 1) as contact_key
"""
"""What a contact is shown by: columns for a query that has `contact` and `tenant`."""

_HANDLE_LENGTH = 8


class Contact(BaseModel):
    """
    A person. `handle`: the beginning of the keyed hash that they are known by; null once they are erased.

    `number`: masked; null where the company does not keep numbers (hashed privacy). `name`: as they call themselves.
    """

    id: str
    handle: str | None
    number: str | None
    name: str | None


def contact(vault: Vault, row: Mapping[str, Any]) -> Contact | None:
    """Return the person of a row that has the columns `SHOWN`; None where it has nobody."""
    if row["contact"] is None:
        return None
    number, key = address(vault, row), row["contact_key"]
    name = _opened(vault, row["sealed_name"], CONTACT_NAME.at(row["contact_tenant"], row["contact"]))
    return Contact(
        id=row["contact"],
        handle=key[:_HANDLE_LENGTH] if key else None,
        number=masked(number) if number else None,
        name=name or None,
    )


def address(vault: Vault, row: Mapping[str, Any]) -> str | None:
    """Return a person's address where the company keeps it."""
    if row["privacy"] != "encrypted":
        return None
    return _opened(vault, row["sealed_address"], CONTACT_ADDRESS.at(row["contact_tenant"], row["contact"]))


def _opened(vault: Vault, sealed: bytes | None, context: str) -> str | None:
    if sealed is None:
        return None
    try:
        return vault.open(sealed, context).decode()
    except GatewayError as error:
        if error.failure is not SEALED_UNREADABLE:
            raise
        return None
