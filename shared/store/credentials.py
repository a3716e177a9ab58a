"""A provider account's credential, as its row holds it and as it is used."""

from collections.abc import Mapping
from typing import Any

from shared.channels.ports import Credentials
from shared.ids import AccountSid
from shared.store.sealed import CREDENTIAL_KEY, CREDENTIAL_SECRET
from shared.vault import Vault

CREDENTIAL = "credential.id as credential, credential.tenant_id as holder, account_sid, credential.sealed_secret, key_sid, sealed_key"
"""What `credentials` needs of a row. The holder's data keys have to be at hand."""


def auth_token(vault: Vault, row: Mapping[str, Any]) -> Credentials:
    """Return the account's auth token, which its webhooks are signed with whatever it is called with."""
    where = (row["holder"], row["credential"])
    secret = vault.open(row["sealed_secret"], CREDENTIAL_SECRET.at(*where)).decode()
    return Credentials(AccountSid(row["account_sid"]), secret)


def credentials(vault: Vault, row: Mapping[str, Any]) -> Credentials:
    """Return what the account is called with: its API key where it has one, else its auth token; nothing on a line without one."""
    if row["credential"] is None:
        return Credentials(AccountSid(""), "")
    if not row["key_sid"]:
        return auth_token(vault, row)
    key = vault.open(row["sealed_key"], CREDENTIAL_KEY.at(row["holder"], row["credential"])).decode()
    return Credentials(AccountSid(row["account_sid"]), key, key_sid=row["key_sid"])
