"""`/v1/accounts`: provider accounts. Secrets go in and never come out (safety.md, section 2)."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Response
from pydantic import Field, SecretStr, StringConstraints, model_validator

from services.console.accounts import Accounts, NewSecret
from services.console.api.fields import (
    Body,
    Name,
    OneTenant,
    TenantOfMade,
    Version,
    id_in_path,
    omitted,
    shown,
    whose,
)
from services.console.api.paging import Listing, Paged, Resource
from services.console.api.routes import Asking, Route, may

Id = Annotated[str, id_in_path("cr")]
SecretId = Annotated[str, id_in_path("ss")]
AccountSid = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^AC[0-9a-fA-F]{32}$")]
KeySid = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^SK[0-9a-fA-F]{32}$")]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=200)]
Seconds = Annotated[int, Field(ge=0, le=7 * 86_400)]


class ApiKeyPair(Body):
    """A provider's API key, to call it with. It cannot verify webhooks."""

    sid: KeySid
    secret: Secret


class Account(Resource):
    """
    A provider account.

    `token_set_at`, `token_set_by`, `token_fingerprint`: when its auth token was stored, by whom, and what tells it from
    another; the token itself is never shown, not even partly.
    """

    tenant: str
    account_sid: str
    name: str
    token_set_at: datetime
    token_set_by: str
    token_fingerprint: str
    api_key_sid: str | None
    created_at: datetime


class NewAccount(Body):
    """A provider account to be taken in."""

    tenant: TenantOfMade = None
    account_sid: AccountSid
    auth_token: Secret
    name: Name = "Twilio"
    api_key: ApiKeyPair | None = None


class AccountChange(Body):
    """
    What shall be different; the rest stays.

    `keep_old_for`: seconds for which a token that is replaced still signs. Twilio repeats webhooks that it signed before.
    """

    name: Name = omitted()
    auth_token: Secret = omitted()
    api_key: ApiKeyPair = omitted()
    keep_old_for: Seconds = 3600


class SigningSecret(Resource):
    """What else may sign an account's webhooks. `key_id`: of a shared key. `not_after`: when it ends; null: never."""

    kind: Literal["auth_token", "shared_key"]
    key_id: str
    fingerprint: str
    not_after: datetime | None
    created_at: datetime


class NewSigningSecret(Body):
    """A further secret: a token that is about to be promoted, or a shared key with its id."""

    kind: Literal["auth_token", "shared_key"] = "auth_token"
    key_id: Annotated[str, Field(max_length=128, pattern=r"^[A-Za-z0-9_-]*$")] = ""
    secret: Secret
    not_after: datetime | None = None

    @model_validator(mode="after")
    def _has_its_id(self) -> Self:
        if (self.kind == "shared_key") != bool(self.key_id):
            raise ValueError("a shared key has an id, an auth token has none")
        if self.not_after is not None and self.not_after.tzinfo is None:
            raise ValueError("a time needs its zone")
        return self


def accounts(found: Accounts) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/accounts", tags=["accounts"], route_class=Route)

    @router.get("", **may("accounts:read"))
    async def list_accounts(who: Asking, page: Paged, tenant: OneTenant = None) -> Listing[Account]:
        rows = await found.records.list(who, page.before, page.limit + 1, tenant=tenant)
        return page.of([Account(**row) for row in rows])

    @router.post("", status_code=201, **may("accounts:write"))
    async def create_account(who: Asking, wanted: NewAccount, response: Response) -> Account:
        tenant = whose(who, wanted.tenant)
        made = await found.make(who, tenant, wanted.account_sid, wanted.name, _secrets(wanted))
        return shown(response, Account, made)

    @router.get("/{account}", **may("accounts:read"))
    async def get_account(who: Asking, account: Id, response: Response) -> Account:
        return shown(response, Account, await found.records.get(who, account))

    @router.patch("/{account}", **may("accounts:write"))
    async def change_account(
        who: Asking, account: Id, version: Version, wanted: AccountChange, response: Response
    ) -> Account:
        changed = await found.change(
            who, account, version, name=wanted.name, secrets=_secrets(wanted), keep_old=wanted.keep_old_for
        )
        return shown(response, Account, changed)

    @router.delete("/{account}", status_code=204, **may("accounts:write"))
    async def delete_account(who: Asking, account: Id, version: Version) -> None:
        await found.remove(who, account, version)

    @router.get("/{account}/signing-secrets", **may("accounts:read"))
    async def list_signing_secrets(who: Asking, account: Id) -> Listing[SigningSecret]:
        return Listing(items=[SigningSecret(**row) for row in await found.secrets(who, account)], next_cursor=None)

    @router.post("/{account}/signing-secrets", status_code=201, **may("accounts:write"))
    async def create_signing_secret(who: Asking, account: Id, wanted: NewSigningSecret) -> SigningSecret:
        new = NewSecret(wanted.kind, wanted.key_id, wanted.secret.get_secret_value(), wanted.not_after)
        return SigningSecret(**await found.accept(who, account, new))

    @router.delete("/{account}/signing-secrets/{secret}", status_code=204, **may("accounts:write"))
    async def delete_signing_secret(who: Asking, account: Id, secret: SecretId) -> None:
        await found.refuse(who, account, secret)

    return router


def _secrets(wanted: NewAccount | AccountChange) -> dict[str, str]:
    """Return the secrets that came, in clear, trimmed: they are pasted."""
    given: dict[str, str] = {}
    if wanted.auth_token is not None:
        given["token"] = wanted.auth_token.get_secret_value().strip()
    if wanted.api_key is not None:
        given |= {"key_sid": wanted.api_key.sid, "key": wanted.api_key.secret.get_secret_value().strip()}
    return given
