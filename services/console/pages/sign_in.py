"""Signing in and out."""

from collections.abc import Awaitable

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.pages.navigation import _
from services.console.pages.routes import Door, Page, anyone, own_path, signed_in
from services.console.pages.view import Looking, View
from services.console.setup import Setup
from services.console.sign_in import Begun, Wait, WrongSignIn

_WRONG = _("E-mail address or password is wrong.")
_WRONG_CODE = _("This code is wrong, or was used already.")
WAIT = _("Too many failures. Try again in %(seconds)d s.")
FAILED = {
    "provider": _("That did not sign you in. Try again, or ask an admin whether you have an account here."),
    "provider-down": _("The sign-in service does not answer. Try again in a moment, or use your password."),
    "provider-wait": _("Too many failures. Try again in a few minutes."),
}
"""How signing in elsewhere ended, by the word in the address. Whatever was wrong, it is the same sentence."""


def sign_in(setup: Setup) -> APIRouter:
    """Return the pages."""
    router = APIRouter(route_class=Page)

    @router.get("/sign-in", **anyone())
    async def sign_in_page(view: Looking) -> Response:
        if view.session is not None and view.session.stage == "whole":
            return view.go("/")
        return await _page(view)

    @router.post("/sign-in", **anyone())
    async def sign_in_form(view: Looking) -> Response:
        email, password = typed(view, "email"), str(view.form.get("password", ""))
        came = await _tried(view, setup.sign_in.with_password(email, password, address_of(view)), _WRONG)
        return await _page(view, *came) if isinstance(came, tuple) else came

    @router.get("/sign-in/code", **signed_in("code"))
    async def code_page(view: Looking) -> Response:
        return view.page("code.html", error=None)

    @router.post("/sign-in/code", **signed_in("code"))
    async def code_form(view: Looking) -> Response:
        assert view.session is not None, "the page asks for one"  # noqa: S101
        trying = setup.sign_in.with_code(view.session, typed(view, "code"), address_of(view))
        came = await _tried(view, trying, _WRONG_CODE)
        return view.page("code.html", came[0], error=came[1]) if isinstance(came, tuple) else came

    @router.post("/sign-out", **signed_in("code", "enrol", "whole"))
    async def sign_out(view: Looking) -> Response:
        assert view.session is not None, "the page asks for one"  # noqa: S101
        await setup.sign_in.sessions.end(view.session)
        return door_of(view).let_out(view.go("/sign-in", done="signed-out"))

    async def _page(view: View, status: int = 200, error: str | None = None) -> Response:
        if (failed := FAILED.get(view.request.query_params.get("failed", ""))) and error is None:
            error = view.text(failed)
        provider = setup.sign_in.provider
        return view.page(
            "sign_in.html",
            status,
            error=error,
            is_first_run=await setup.is_first_run(),
            provider=provider.settings.name if provider else None,
        )

    return router


NEXT_STEP = {"code": "/sign-in/code", "enrol": "/account/second-factor", "whole": "/"}


async def _tried(view: View, trying: Awaitable[Begun], wrong: str) -> Response | tuple[int, str]:
    """Return the way in; else the status and the sentence that tell why there is none."""
    try:
        return entered(view, await trying, view.request.query_params.get("next"))
    except WrongSignIn:
        return 401, view.text(wrong)
    except Wait as wait:
        return 429, view.text(WAIT, seconds=wait.seconds)


def entered(view: View, begun: Begun, wanted: str | None) -> Response:
    """Give the browser its session, and go on where it wanted to."""
    wanted = own_path(wanted)
    if begun.stage == "whole":
        return door_of(view).let_in(view.go(wanted), begun.secret)
    rest = {"next": wanted} if wanted != "/" else {}
    return door_of(view).let_in(view.go(NEXT_STEP[begun.stage], **rest), begun.secret)


def door_of(view: View) -> Door:
    """Return who gives browsers their sessions."""
    door: Door = view.request.app.state.door
    return door


def typed(view: View, name: str) -> str:
    """Return a field of a form, without what surrounds it."""
    return str(view.form.get(name, "")).strip()[:320]


def address_of(view: View) -> str:
    """Return where a request came from, which failures are counted by."""
    return view.request.client.host if view.request.client else ""
