"""Signing in at somebody else's: the way there, and back."""

from urllib.parse import quote, unquote

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from services.console.oidc import RETURN_PATH, Provider, ProviderDown, Try
from services.console.pages.routes import Door, Page, anyone, own_path
from services.console.pages.sign_in import address_of, door_of, entered
from services.console.pages.view import Looking, View
from services.console.sign_in import SignIn, Wait, WrongSignIn

_LASTS = 600
"""Seconds that somebody may take at the provider."""


def provider(signing_in: SignIn, provider: Provider) -> APIRouter:
    """Return the pages."""
    router = APIRouter(route_class=Page)

    @router.get("/sign-in/provider", **anyone())
    async def provider_way(view: Looking) -> Response:
        trying = Try.new()
        try:
            answer = RedirectResponse(await provider.address(trying), 303)
        except ProviderDown:
            return view.go("/sign-in", failed="provider-down")
        return _remember(view, answer, trying)

    @router.get(RETURN_PATH, **anyone())
    async def provider_return(view: Looking) -> Response:
        trying, wanted = _remembered(view)
        try:
            begun = await signing_in.with_provider(trying, view.request.query_params, address_of(view))
        except WrongSignIn:
            return _failed(view, "provider", wanted)
        except Wait:
            return _failed(view, "provider-wait", wanted)
        except ProviderDown:
            return _failed(view, "provider-down", wanted)
        return _forget(view, entered(view, begun, wanted))

    return router


def _remember(view: View, answer: Response, trying: Try) -> Response:
    """Give the browser what it has to come back with, and where it wanted to go. `lax`: it comes back from another site."""
    wanted = own_path(view.request.query_params.get("next"))
    answer.set_cookie(
        _cookie(door_of(view)),
        f"{trying.secret}.{quote(wanted, safe='')}",
        max_age=_LASTS,
        httponly=True,
        secure=view.is_https,
        samesite="lax",
    )
    return answer


def _remembered(view: View) -> tuple[Try, str]:
    """Return the try that this browser began; one that nobody can come back with where it began none."""
    secret, _, wanted = view.request.cookies.get(_cookie(door_of(view)), "").partition(".")
    return (Try(secret) if secret else Try.new()), own_path(unquote(wanted))


def _failed(view: View, how: str, wanted: str) -> Response:
    return _forget(view, view.go("/sign-in", failed=how, **({"next": wanted} if wanted != "/" else {})))


def _forget(view: View, answer: Response) -> Response:
    answer.delete_cookie(_cookie(door_of(view)), httponly=True, secure=view.is_https, samesite="lax")
    return answer


def _cookie(door: Door) -> str:
    return f"{door.cookie}-try"
