"""What may sign an account's webhooks besides its auth token: a token about to be promoted, or a shared key."""

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.accounts import Accounts, NewSecret
from services.console.api.accounts import NewSigningSecret
from services.console.api.routes import may
from services.console.pages.forms import FINE, Wrong, filled, text
from services.console.pages.routes import Page
from services.console.pages.view import Errors, Looking, View


def signing_secrets(found: Accounts) -> APIRouter:
    """Return the pages."""
    router = APIRouter(route_class=Page)

    @router.get("/accounts/{account}/signing-secrets", **may("accounts:read"))
    async def secret_list(view: Looking, account: str) -> Response:
        return await _page(found, view, account)

    @router.post("/accounts/{account}/signing-secrets", **may("accounts:write"))
    async def accept(view: Looking, account: str) -> Response:
        ends = view.days(None, text(view, "until", 10) or None).below
        try:
            wanted = filled(view, NewSigningSecret, key_id=text(view, "key_id", 128).strip(), not_after=ends)
        except Wrong as wrong:
            return await _page(found, view, account, 422, wrong.errors)
        secret = wanted.secret.get_secret_value().strip()
        await found.accept(view.who, account, NewSecret(wanted.kind, wanted.key_id, secret, wanted.not_after))
        return view.go(f"/accounts/{account}/signing-secrets", done="saved")

    @router.post("/accounts/{account}/signing-secrets/{secret}/removals", **may("accounts:write"))
    async def refuse(view: Looking, account: str, secret: str) -> Response:
        await found.refuse(view.who, account, secret)
        return view.go(f"/accounts/{account}/signing-secrets", done="removed")

    return router


async def _page(found: Accounts, view: View, account: str, status: int = 200, errors: Errors = FINE) -> Response:
    return view.page(
        "signing_secrets.html",
        status,
        account=await found.records.get(view.who, account),
        secrets=await found.secrets(view.who, account),
        errors=errors,
    )
