"""Signing in and out, and the first run."""

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.pages.navigation import _
from services.console.pages.routes import Door, Page, anyone, own_path, signed_in
from services.console.pages.view import Looking, View
from services.console.passwords import AT_LEAST, TooCommon, TooShort
from services.console.setup import EmailTaken, Setup, TokenUnknown
from services.console.sign_in import Begun, Wait, WrongSignIn

_WRONG = _("E-mail address or password is wrong.")
_WRONG_CODE = _("This code is wrong, or was used already.")
_WAIT = _("Too many failures. Try again in %(seconds)d s.")


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
        email, password = _field(view, "email"), str(view.form.get("password", ""))
        try:
            begun = await setup.sign_in.with_password(email, password, _address(view))
        except WrongSignIn:
            return await _page(view, 401, view.text(_WRONG))
        except Wait as wait:
            return await _page(view, 429, view.text(_WAIT, seconds=wait.seconds))
        return _entered(view, begun)

    @router.get("/sign-in/code", **signed_in("code"))
    async def code_page(view: Looking) -> Response:
        return view.page("code.html", error=None)

    @router.post("/sign-in/code", **signed_in("code"))
    async def code_form(view: Looking) -> Response:
        assert view.session is not None, "the page asks for one"  # noqa: S101
        try:
            begun = await setup.sign_in.with_code(view.session, _field(view, "code"), _address(view))
        except WrongSignIn:
            return view.page("code.html", 401, error=view.text(_WRONG_CODE))
        except Wait as wait:
            return view.page("code.html", 429, error=view.text(_WAIT, seconds=wait.seconds))
        return _entered(view, begun)

    @router.post("/sign-out", **signed_in("code", "enrol", "whole"))
    async def sign_out(view: Looking) -> Response:
        assert view.session is not None, "the page asks for one"  # noqa: S101
        await setup.sign_in.sessions.end(view.session)
        return _door(view).let_out(view.go("/sign-in", done="signed-out"))

    @router.get("/first-run", **anyone())
    async def first_run_page(view: Looking) -> Response:
        return view.page("first_run.html", errors={}, at_least=AT_LEAST)

    @router.post("/first-run", **anyone())
    async def first_run_form(view: Looking) -> Response:
        told = [_field(view, name) for name in ("setup_token", "email", "name")]
        if "@" not in told[1].strip("@"):
            return _again(view, email=view.text(_("This is no e-mail address.")))
        try:
            begun = await setup.take(*told, str(view.form.get("password", "")))
        except TooShort:
            return _again(view, password=view.text(_("At least %(n)d signs are needed."), n=AT_LEAST))
        except TooCommon:
            return _again(view, password=view.text(_("This is one of the passwords that are tried first.")))
        except TokenUnknown:
            return _again(
                view, setup_token=view.text(_("This token is wrong, too old, used already, or for another address."))
            )
        except EmailTaken:
            return _again(view, email=view.text(_("Somebody else has this address.")))
        return _door(view).let_in(view.go(_NEXT_STEP[begun.stage]), begun.secret)

    async def _page(view: View, status: int = 200, error: str | None = None) -> Response:
        return view.page("sign_in.html", status, error=error, is_first_run=await setup.is_first_run())

    return router


_NEXT_STEP = {"code": "/sign-in/code", "enrol": "/account/second-factor", "whole": "/"}


def _again(view: View, **errors: str) -> Response:
    return view.page("first_run.html", 422, errors=errors, at_least=AT_LEAST)


def _entered(view: View, begun: Begun) -> Response:
    """Give the browser its session, and go on where it wanted to."""
    wanted = own_path(view.request.query_params.get("next"))
    if begun.stage == "whole":
        return _door(view).let_in(view.go(wanted), begun.secret)
    rest = {"next": wanted} if wanted != "/" else {}
    return _door(view).let_in(view.go(_NEXT_STEP[begun.stage], **rest), begun.secret)


def _door(view: View) -> Door:
    door: Door = view.request.app.state.door
    return door


def _field(view: View, name: str) -> str:
    return str(view.form.get(name, "")).replace("\x00", "").strip()[:320]


def _address(view: View) -> str:
    return view.request.client.host if view.request.client else ""
